// The photograph's view: a pixel, the window of a mask there, the classes there.

const photo = page.photograph;
const chosen = {x: 0, y: 0, window: 0, factor: 0};
const embeddings = {};

function bytes(base64) {
  const text = atob(base64), result = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) result[index] = text.charCodeAt(index);
  return result;
}

/** An embedding as it was before it was stored: {channels, height, width, values}. */
function embedding(value) {
  if (!embeddings[value]) {
    const {shape: [channels, height, width], low, step, levels} = photo.embeddings[value];
    const data = new DataView(bytes(levels).buffer), values = new Float32Array(channels * height * width), area = height * width;
    for (let index = 0; index < values.length; index++) {
      const channel = Math.floor(index / area);
      values[index] = low[channel] + step[channel] * data.getUint16(2 * index, true);
    }
    embeddings[value] = {channels, height, width, values};
  }
  return embeddings[value];
}

/** The number that 16 bits of IEEE half precision stand for. */
function half(bits) {
  const exponent = bits >> 10 & 31, fraction = bits & 1023, sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

const tables = {};
/** The stored distances of a window at one of its positions, tap by tap. */
function storedDistances(window, row, column) {
  const {unit, halves} = photo.distances[window.key], [height, width] = window.size;
  const data = tables[window.key] ??= new DataView(bytes(halves).buffer);
  return tap => unit * half(data.getUint16(2 * ((tap * height + row) * width + column), true));
}

/** The distances of a window from the embedding: between the pixel that a tap reads and the centre's. */
function computedDistances(window, y0, x0) {
  const {channels, height, width, values} = embedding(window.embedding), area = height * width;
  const centred = y0 >= 0 && y0 < height && x0 >= 0 && x0 < width;
  return (tap, y, x, inside) => {
    if (!centred) return 0;
    if (!inside) return window.remove_bounds ? Infinity : 0;
    if (y === y0 && x === x0) return window.remove_center ? Infinity : 0;
    let distance = 0;
    for (let channel = 0; channel < channels; channel++) {
      const difference = values[channel * area + y0 * width + x0] - values[channel * area + y * width + x];
      distance += window.l1 ? Math.abs(difference) : difference * difference / 2;
    }
    return distance;
  };
}

/** The taps of a mask at one of its positions: where each reads in the embedding, whether that is inside, and its weight. */
function maskAt(window, row, column, factor) {
  const [rows, columns] = window.kernel, [height, width] = window.image;
  const where = (tap, axis) => (axis ? column : row) * window.stride[axis] + tap * window.dilation[axis] - window.pad[axis];
  const y0 = where(Math.floor(rows / 2), 0), x0 = where(Math.floor(columns / 2), 1);
  const distanceOf = photo.distances[window.key] ? storedDistances(window, row, column) : computedDistances(window, y0, x0);
  const taps = [];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    const y = where(i, 0), x = where(j, 1), inside = y >= 0 && y < height && x >= 0 && x < width;
    taps.push({y, x, inside, centre: y === y0 && x === x0, distance: distanceOf(i * columns + j, y, x, inside)});
  }
  // times Infinity: a removed tap; with factor 0 it weighs as the others do, as in the net
  const logits = taps.map(({distance}) => factor === 0 ? 0 : window.absolute ? -Math.abs(factor * distance) : -factor * distance);
  if (!window.softmax) taps.forEach((tap, index) => { tap.weight = Math.exp(logits[index]); });
  else {
    const most = Math.max(...logits), all = logits.map(logit => logit === most ? 1 : Math.exp(logit - most)), sum = all.reduce((a, b) => a + b);
    taps.forEach((tap, index) => { tap.weight = all[index] / sum; });
  }
  return taps;
}

/** The position of a mask (or another blob) that shows the chosen pixel: corners lie on corners. */
const nearest = (pixel, from, to) => from > 1 ? Math.round(pixel * (to - 1) / (from - 1)) : 0;

function look() {
  at("pixel").textContent = `row ${chosen.y}, column ${chosen.x}`;
  const window = photo.windows[chosen.window];
  let taps = [];
  if (window) {
    const row = nearest(chosen.y, photo.height, window.size[0]), column = nearest(chosen.x, photo.width, window.size[1]);
    taps = maskAt(window, row, column, chosen.factor);
    const most = window.softmax ? Math.max(...taps.map(tap => tap.weight)) : 1;
    showWeights(window, taps, most, row, column);
    paint(window, taps, most);
  } else paint();
  showClasses();
}

const shade = weight => `hsl(${230 - 180 * weight} 75% ${18 + 62 * weight}%)`;

function showWeights(window, taps, most, row, column) {
  const [rows, columns] = window.kernel;
  const cell = tap => make("td", {class: `${tap.inside ? "" : "outside"} ${tap.centre ? "centre" : ""}`, "data-weight": tap.weight,
    title: tap.inside ? `row ${tap.y}, column ${tap.x} of ${window.blob}: distance ${number(tap.distance)}` : "outside the image",
    style: `background: ${shade(tap.weight / most)}; color: ${tap.weight / most > 0.35 ? "#000" : "#fff"}`}, tap.weight.toFixed(3));
  at("weights").replaceChildren(make("table", {"data-row": row, "data-column": column, "aria-label": "Weight of every tap"},
    ...Array.from({length: rows}, (_, i) => make("tr", {}, ...taps.slice(i * columns, (i + 1) * columns).map(cell)))));
  at("factor-value").textContent = `${chosen.factor.toPrecision(4)} (the net's own: ${window.factor.toPrecision(4)})`;
}

function paint(window, taps = [], most = 1) {
  const canvas = at("canvas"), context = canvas.getContext("2d"), ground = grounds[at("ground").value];
  const zoom = canvas.width / photo.width;
  context.imageSmoothingEnabled = false;
  if (ground?.complete) context.drawImage(ground, 0, 0, canvas.width, canvas.height);
  if (window) {
    const [height, width] = window.image;
    const down = height > 1 ? (photo.height - 1) / (height - 1) : 1, right = width > 1 ? (photo.width - 1) / (width - 1) : 1;
    const cell = [Math.max(1, window.dilation[0]) * down * zoom, Math.max(1, window.dilation[1]) * right * zoom];
    context.globalAlpha = 0.75;
    for (const tap of taps.filter(each => each.inside)) {
      context.fillStyle = shade(tap.weight / most);
      context.fillRect((tap.x * right + 0.5) * zoom - cell[1] / 2, (tap.y * down + 0.5) * zoom - cell[0] / 2, cell[1], cell[0]);
    }
    context.globalAlpha = 1;
  }
  for (const [colour, wide] of [["#000", 4], ["#fff", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.strokeRect((chosen.x + 0.5) * zoom - 5, (chosen.y + 0.5) * zoom - 5, 10, 10);
  }
}

let chances = null;
function showClasses() {
  if (!photo.scores) return;
  const {shape: [count, height, width], classes, colours, probabilities} = photo.scores;
  chances ??= bytes(probabilities);
  const place = nearest(chosen.y, photo.height, height) * width + nearest(chosen.x, photo.width, width);
  const rows = classes.map((name, index) => ({name, index, chance: chances[index * height * width + place] / 255})).sort((a, b) => b.chance - a.chance);
  const palette = colours[at("ground").value] ?? Object.values(colours)[0];
  at("classes").replaceChildren(...rows.slice(0, 6).map(({name, index, chance}) => make("tr", {},
    make("td", {}, make("span", {class: "swatch", style: `background: rgb(${palette[index]})`})), make("td", {}, name), make("td", {class: "number"}, `${(100 * chance).toFixed(1)} %`))));
}

function chooseWindow(index) {
  const window = photo.windows[index];
  chosen.window = index;
  const rule = window.softmax ? "softmax over the window of -s D" : window.absolute ? "exp(-|s D|)" : "exp(-s D)";
  at("formula").textContent = `${window.kernel.join("×")}, dilation ${window.dilation.join("×")}: ${rule}; D: ${window.l1 ? "sum of |differences|" : "half the sum of squared differences"} of ${window.blob}. `
    + `Read by ${window.readers.join(", ") || "nobody"}.`;
  ownFactor();
  at("around").replaceChildren(...beforeAndAfter(window));
}

/** The tiles of what the window's readers read and make. */
function beforeAndAfter(window) {
  const figures = [];
  for (const reader of window.readers.slice(0, 4)) {
    const layer = page.layers.find(each => reader.startsWith(`${each.name} (`));
    const step = page.layers.filter(each => layer?.step?.layers.includes(each.name));
    const made = new Set(step.flatMap(each => each.tops.map(top => top.name)));
    const before = step.flatMap(each => each.type === "Im2col" || step.length === 1 ? each.bottoms.slice(0, 1) : []).find(blob => !made.has(blob.name));
    for (const [name, word] of [[before?.name, "before"], [layer?.tops[0]?.name, "after"]]) {
      const maker = page.layers.find(each => each.tops.some(top => top.name === name));
      const found = maker && photo.tiles[`${maker.name}/${name}`];
      if (found?.tiles) figures.push(make("figure", {}, make("figcaption", {}, `${word} ${layer.name}: ${name}`), make("img", {class: "tiles", src: found.classes ?? found.tiles, alt: `${name}, ${word}`})));
    }
  }
  return figures;
}

function ownFactor() {
  chosen.factor = photo.windows[chosen.window].factor;
  at("factor").value = 0;
  look();
}

function choosePixel(x, y) {
  chosen.x = Math.min(photo.width - 1, Math.max(0, x));
  chosen.y = Math.min(photo.height - 1, Math.max(0, y));
  look();
}

const grounds = {};
function startMasks() {
  const canvas = at("canvas"), zoom = Math.max(1, Math.round(900 / photo.width));
  [canvas.width, canvas.height] = [photo.width * zoom, photo.height * zoom];
  const sources = {photograph: photo.photo};
  for (const [title, source] of Object.entries(photo.scores?.pictures ?? {})) sources[title] = source;
  for (const [value, {blob}] of Object.entries(Object.fromEntries(photo.windows.map(window => [window.embedding, window])))) {
    const found = Object.entries(photo.tiles).find(([key, tile]) => tile.colours && key.endsWith(`/${blob}`));
    if (found) sources[`embedding ${blob}`] = found[1].colours;
  }
  for (const [title, source] of Object.entries(sources)) {
    grounds[title] = make("img", {load: () => look(), src: source, alt: title});
    at("ground").append(make("option", {value: title}, photo.scores?.pictures[title] ? `classes (${title})` : title));
  }
  at("ground").addEventListener("change", look);
  canvas.addEventListener("click", event => {
    const scale = canvas.width / photo.width / canvas.width;
    const area = canvas.getBoundingClientRect(), fitted = Math.min(area.width / canvas.width, area.height / canvas.height);
    choosePixel(Math.floor((event.clientX - area.left) / fitted * scale), Math.floor((event.clientY - area.top) / fitted * scale));
  });
  canvas.addEventListener("keydown", event => {
    const step = event.shiftKey ? 8 : 1, by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
    if (by) { event.preventDefault(); choosePixel(chosen.x + by[0], chosen.y + by[1]); }
  });
  at("mask").hidden = !photo.windows.length;
  at("left-out").textContent = photo.left_out.length ? `No room in this file for: ${photo.left_out.join("; ")}. A smaller input of the net makes room.` : "";
  at("window").append(...photo.windows.map((window, index) => make("option", {value: index}, `${window.name} (${window.kernel.join("×")})`)));
  at("window").addEventListener("change", () => chooseWindow(Number(at("window").value)));
  // the slider multiplies the net's own factor, or 1 where that is 0, by powers of ten
  at("factor").addEventListener("input", () => { chosen.factor = (photo.windows[chosen.window].factor || 1) * 10 ** Number(at("factor").value); look(); });
  at("learned").addEventListener("click", ownFactor);
  [chosen.x, chosen.y] = [Math.floor(photo.width / 2), Math.floor(photo.height / 2)];
  if (photo.windows.length) {
    const last = photo.windows.length - 1;
    at("window").value = last;
    chooseWindow(last);
  } else look();
}

if (photo) startMasks();
