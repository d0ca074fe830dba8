// The network view: drawings of boxes, the text, the details of a layer; each leads to the others. masks.js has the photograph's view,
// pages/base.js what all pages use.

const BOX = {width: 190, height: 52};
const FAMILIES = ["data", "convolution", "mask", "activation", "normalisation", "size", "loss", "other"];
const differing = new Set((page.comparison?.rows ?? []).map(row => row.layer));
const state = {drawing: "", layer: null, frame: null};

const dims = shape => shape.length ? shape.join("×") : "scalar";
const number = value => value === null || value === undefined ? "not finite" : Number.isInteger(value) ? value.toLocaleString("en") : value.toPrecision(4);
function amount(value, unit) {
  const power = value >= 1e9 ? [1e9, "G"] : value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return `${(value / power[0]).toFixed(power[0] > 1 ? 2 : 0)} ${power[1]}${unit}`;
}
const list = rows => make("dl", {}, ...rows.flatMap(([term, what]) => [make("dt", {}, term), make("dd", {}, ...[what].flat())]));

// -- drawing ---------------------------------------------------------------------------------

/** Draw one of the page's drawings: "" is the whole net, the others are its groups. */
function draw(name) {
  const drawing = page.drawings[name];
  state.drawing = name;
  const lines = drawing.routes.map(route => make("path", {d: curve(route)}));
  const boxes = drawing.boxes.map((box, index) => {
    const inside = box.group !== undefined;
    const open = () => inside ? draw(box.group) : choose(box.layers[0]);
    const labels = [box.title, ...box.lines].map((text, row) =>
      make("text", {x: box.x, y: box.y - 12 + 15 * row}, text.length > 30 ? text.slice(0, 29) + "…" : text));
    const classes = [inside ? "group" : "", box.layers.some(layer => differing.has(page.layers[layer].name)) ? "differs" : ""].join(" ");
    return make("g", {class: classes, tabindex: 0, role: "button", "aria-label": [box.title, ...box.lines].join(", "), "data-index": index,
      click: open, keydown: event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } }},
      make("title", {}, [box.title, ...box.lines].join("\n")),
      make("rect", {x: box.x - BOX.width / 2, y: box.y - BOX.height / 2, width: BOX.width, height: BOX.height, style: `fill: var(--${box.family})`}),
      ...labels);
  });
  at("drawing").replaceChildren(...lines, ...boxes);
  const home = make("button", {click: () => draw("")}, "the net");
  at("path").replaceChildren(...(name ? [home, ` › ${groupTitle(name)}`] : Object.keys(page.drawings).length > 1 ? ["groups: choose one to look inside"] : []));
  fit();
  mark();
}

const groupTitle = name => page.drawings[""].boxes.find(box => box.group === name).title;

/** A smooth line through points from the bottom of the first box to the top of the last. */
function curve(route) {
  const points = route.map(([x, y]) => [x, y]);
  points[0][1] += BOX.height / 2;
  points[points.length - 1][1] -= BOX.height / 2;
  return points.map(([x, y], index) => {
    if (!index) return `M${x},${y}`;
    const [x0, y0] = points[index - 1], middle = (y + y0) / 2;
    return `C${x0},${middle} ${x},${middle} ${x},${y}`;
  }).join("");
}

/** Show the drawing from its top, as wide as it is, but letters neither tiny nor huge. */
function fit(all = false) {
  const {width, height} = page.drawings[state.drawing], area = at("drawing").getBoundingClientRect();
  const shape = area.width && area.height ? area.height / area.width : 1;
  const wide = all ? Math.max(width, height / shape) : Math.min(Math.max(width, area.width / 1.2), area.width * 1.5);
  frame((width - wide) / 2, 0, wide, wide * shape);
}

function frame(x, y, width, height) {
  state.frame = [x, y, width, height];
  at("drawing").setAttribute("viewBox", state.frame.map(value => value.toFixed(1)).join(" "));
}

function zoom(by, along = 0.5, down = 0.5) {
  const [x, y, width, height] = state.frame;
  frame(x + width * along * (1 - by), y + height * down * (1 - by), width * by, height * by);
}

function move(right, down) {
  const [x, y, width, height] = state.frame;
  frame(x + width * right, y + height * down, width, height);
}

function listenToDrawing() {
  const svg = at("drawing");
  let held = null;
  svg.addEventListener("wheel", event => {
    event.preventDefault();
    const area = svg.getBoundingClientRect();
    if (event.ctrlKey || !event.shiftKey) zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, (event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height);
    else move(event.deltaY / 2000, 0);
  }, {passive: false});
  svg.addEventListener("pointerdown", event => { held = [event.clientX, event.clientY]; });
  svg.addEventListener("pointermove", event => {
    if (!held || !event.buttons) return;
    const area = svg.getBoundingClientRect();
    move((held[0] - event.clientX) / area.width, (held[1] - event.clientY) / area.height);
    held = [event.clientX, event.clientY];
  });
  svg.addEventListener("keydown", event => {
    const keys = {ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
      "+": () => zoom(1 / 1.25), "-": () => zoom(1.25), "0": () => fit(true)};
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  at("closer").addEventListener("click", () => zoom(1 / 1.25));
  at("farther").addEventListener("click", () => zoom(1.25));
  at("whole").addEventListener("click", () => fit(true));
}

// -- choosing a layer ------------------------------------------------------------------------

/** Show a layer in the drawing, in the text and in the details. */
function choose(index) {
  state.layer = index;
  const holds = name => page.drawings[name].boxes.some(box => box.group === undefined && box.layers.includes(index));
  if (!holds(state.drawing)) draw(["", ...Object.keys(page.drawings)].find(holds));
  mark();
  const box = page.drawings[state.drawing].boxes.find(each => each.group === undefined && each.layers.includes(index));
  const [x, y, width, height] = state.frame;
  if (box.x < x || box.x > x + width || box.y < y || box.y > y + height) frame(box.x - width / 2, box.y - height / 2, width, height);
  const line = at("text").children[index + 1];
  at("source").scrollTop = line.offsetTop - at("source").offsetTop - 60;
  describe(page.layers[index], box);
}

function mark() {
  const {boxes, routes} = page.drawings[state.drawing];
  const chosen = boxes.findIndex(box => box.group === undefined && box.layers.includes(state.layer));
  const ends = route => [route[0], route[route.length - 1]];
  const here = ([x, y]) => chosen >= 0 && boxes[chosen].x === x && boxes[chosen].y === y;
  at("drawing").querySelectorAll("g").forEach((box, index) => box.classList.toggle("chosen", index === chosen));
  at("drawing").querySelectorAll("path").forEach((path, index) => path.classList.toggle("near", ends(routes[index]).some(here)));
  [...at("text").children].forEach((span, index) => span.classList.toggle("chosen", index - 1 === state.layer));
}

function describe(layer, box) {
  const siblings = box.layers.length > 1
    ? ["in this box", box.layers.flatMap(other => [link(page.layers[other].name, () => choose(other)), " "])] : null;
  const rows = [
    ["type", `${layer.type} (${layer.family})`],
    ["lines", link(`${layer.lines[0]} to ${layer.lines[1]}`, () => choose(state.layer))],
    siblings,
    ["reads", layer.bottoms.map(blob => make("div", {}, link(blob.name, () => chooseMaker(blob.name)), ` ${dims(blob.shape)}`))],
    ["makes", layer.tops.map(blob => make("div", {}, `${blob.name} ${dims(blob.shape)}`, ...readers(blob.name)))],
    ["parameters", layer.blobs.reduce((sum, blob) => sum + blob.count, 0).toLocaleString("en")],
    layer.operations ? ["operations", amount(layer.operations, "FLOP")] : null,
  ];
  const parts = [make("h2", {}, layer.name), make("p", {class: "note"}, layer.about), list(rows.filter(Boolean)), make("h3", {}, "How it runs"), ...running(layer)];
  for (const row of (page.comparison?.rows ?? []).filter(each => each.layer === layer.name)) parts.push(make("p", {}, `Differs: ${row.what}`));
  if (page.photograph) parts.push(...pictures(layer));
  layer.blobs.forEach((blob, index) => parts.push(...learned(blob, index)));
  const lines = page.text.split("\n").slice(layer.lines[0] - 1, layer.lines[1]).join("\n");
  parts.push(make("h3", {}, "Fields"), make("pre", {}, lines));
  at("details").replaceChildren(...parts);
  at("details").scrollTop = 0;
}

function running(layer) {
  const step = layer.step;
  const notes = layer.notes.map(note => make("p", {class: "note"}, note));
  if (!step) return [make("p", {}, "It does not run: nothing that a run puts out needs it, or its work is done in another step."), ...notes];
  const alone = step.layers.length === 1;
  return [
    make("p", {}, alone ? (step.type === layer.type ? "A step of its own." : `A step of its own, as ${step.type}.`)
      : `One step (${step.type}) does the work of ${step.layers.join(", ")}.`),
    list([
      ...(step.seconds === null ? [] : [["takes", `${(step.seconds * 1000).toFixed(3)} ms`]]),
      ["step's operations", amount(step.operations, "FLOP")], ["moves", amount(step.moved, "B")], ["alive meanwhile", amount(step.alive, "B")],
    ]),
    ...notes,
  ];
}

function learned(blob, index) {
  const parts = [make("h3", {}, `Blob ${index}: ${dims(blob.shape)}`)];
  if (blob.histogram) {
    const most = Math.max(...blob.histogram), width = (blob.max - blob.min) / blob.histogram.length;
    const bars = blob.histogram.map((count, bin) =>
      make("i", {style: `height: ${100 * count / most}%`, title: `${number(blob.min + bin * width)} to ${number(blob.min + (bin + 1) * width)}: ${count}`}));
    parts.push(make("div", {class: "bars", role: "img", "aria-label": `Histogram from ${number(blob.min)} to ${number(blob.max)}`}, ...bars));
  }
  if (blob.min !== undefined) parts.push(list([["least, most", `${number(blob.min)}, ${number(blob.max)}`], ["mean, deviation", `${number(blob.mean)}, ${number(blob.std)}`],
    ["zeros", `${number(blob.zeros)} of ${number(blob.count)}`], ...(blob.not_finite ? [["NaN or infinite", number(blob.not_finite)]] : [])]));
  else if (blob.not_finite === undefined) parts.push(make("p", {class: "note"}, "No weight file was given: its values are not shown."));
  return parts;
}

function pictures(layer) {
  return layer.tops.flatMap(top => {
    const found = page.photograph.tiles[`${layer.name}/${top.name}`];
    if (!found) return [];
    return [make("h3", {}, `${top.name} of the photograph`), ...pictured(found, top.name)];
  });
}

function pictured(found, name) {
  const parts = [];
  if (found.colours) parts.push(make("img", {class: "tiles", src: found.colours, alt: `${name}: three main components as red, green, blue`}));
  if (found.classes) parts.push(make("img", {class: "tiles", src: found.classes, alt: `${name}: the channel with the largest value, as a class`}),
    make("p", {class: "note"}, "the class with the largest value"));
  if (found.tiles) parts.push(make("img", {class: "tiles", src: found.tiles, alt: `${name}: its first ${found.channels} channels`}),
    make("p", {class: "note"}, `${found.channels} of ${found.shape[1]} channels, each from its least value (black) to its most (white)`));
  if (found.min !== undefined) parts.push(make("p", {class: "note"}, `from ${number(found.min)} to ${number(found.max)}, mean ${number(found.mean)}`));
  return parts;
}

/** The last layer before the chosen one that makes a blob. */
function chooseMaker(name) {
  const made = page.layers.map((layer, index) => layer.tops.some(top => top.name === name) && index < state.layer ? index : -1);
  if (Math.max(...made) >= 0) choose(Math.max(...made));
}

function readers(name) {
  const found = page.layers.map((layer, index) => index > state.layer && layer.bottoms.some(bottom => bottom.name === name) ? index : -1).filter(index => index >= 0);
  return found.length ? [" read by ", ...found.flatMap(index => [link(page.layers[index].name, () => choose(index)), " "])] : [];
}

// -- text, search, tabs ----------------------------------------------------------------------

function fillText() {
  const lines = page.text.split("\n");
  const head = page.layers.length ? page.layers[0].lines[0] - 1 : lines.length;
  at("numbers").textContent = lines.map((_, index) => index + 1).join("\n");
  at("text").replaceChildren(make("span", {}, lines.slice(0, head).join("\n")),
    ...page.layers.map((layer, index) => make("span", {"data-layer": index, click: () => choose(index)}, lines.slice(layer.lines[0] - 1, layer.lines[1]).join("\n"))));
  if (!head) at("text").firstChild.remove(), at("text").prepend(make("span", {hidden: ""}));
}

function search() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = layer => [layer.name, layer.type, ...layer.tops.map(top => top.name)].join(" ").toLowerCase();
  const found = words.length ? page.layers.map((layer, index) => [layer, index]).filter(([layer]) => words.every(word => text(layer).includes(word))) : [];
  const fits = ([layer]) => [layer.name.toLowerCase() !== words.join(" "), !layer.name.toLowerCase().startsWith(words[0])].map(Number).join("");
  found.sort((one, other) => fits(one).localeCompare(fits(other)));
  const pick = index => { showView("net"); choose(index); at("found").replaceChildren(); };
  at("found").replaceChildren(...found.slice(0, 50).map(([layer, index]) =>
    make("li", {}, make("button", {"data-layer": index, click: () => pick(index)}, `${layer.name} · ${layer.type}`))),
    ...(words.length && !found.length ? [make("li", {}, "nothing found")] : []), ...(found.length > 50 ? [make("li", {}, `and ${found.length - 50} more`)] : []));
  return found.length ? () => pick(found[0][1]) : () => {};
}

function showView(name) {
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== `view-${name}`;
  for (const tab of document.querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", tab.id === `tab-${name}`);
}

function start() {
  const totals = page.totals;
  at("totals").textContent = `${totals.layers} layers, ${totals.parameters.toLocaleString("en")} parameters, ${amount(totals.operations, "FLOP")}, peak memory ${amount(totals.memory, "B")} at '${totals.worst}'`;
  const tabs = [["net", "Network"], ...(page.photograph ? [["masks", page.photograph.windows.length ? "Masks" : "Photograph"]] : []), ...(page.comparison ? [["compare", "Differences"]] : [])];
  document.querySelector("nav").replaceChildren(...(tabs.length > 1 ? tabs : []).map(([name, title]) =>
    make("button", {role: "tab", id: `tab-${name}`, "aria-selected": name === "net", "aria-controls": `view-${name}`, click: () => showView(name)}, title)));
  const used = new Set(page.layers.map(layer => layer.family));
  at("legend").replaceChildren(...FAMILIES.filter(name => used.has(name)).map(name => make("span", {style: `background: var(--${name})`}, name)));
  at("search").addEventListener("input", search);
  at("search").addEventListener("keydown", event => { if (event.key === "Enter") search()(); if (event.key === "Escape") { at("search").value = ""; search(); } });
  fillText();
  listenToDrawing();
  draw("");
  at("details").replaceChildren(make("h2", {}, "Choose a layer"), make("p", {}, "in the graph, in the text, or by searching."),
    list([["inputs", totals.inputs.join(", ") || "none"], ["outputs", totals.outputs.join(", ") || "none"]]), make("h3", {}, "Layers by type"),
    list(Object.entries(totals.types).map(([type, count]) => [String(count), type])));
  if (page.comparison) at("view-compare").replaceChildren(make("h2", {}, `Compared with ${page.comparison.title}`), make("p", {}, page.comparison.summary),
    make("table", {}, ...page.comparison.rows.map(row => {
      const index = page.layers.findIndex(layer => layer.name === row.layer);
      return make("tr", {}, make("td", {}, index < 0 ? row.layer : link(row.layer, () => { showView("net"); choose(index); })), make("td", {}, row.what));
    })));
}

start();
