// The report of an evaluation: tables, curve and pictures. Of predictions without labels only the pictures.

const VOID = 255, CARDS = 12;
const percent = value => value === null || value === undefined ? "none" : `${value.toFixed(3)} %`;
const judged = page.iou !== undefined;
const state = {sort: "class", down: false, label: null, best: false, cards: CARDS};
/** How a pixel of the difference is coloured; void ones and right ones of other classes show the photograph in grey. */
const MARKS = {wrong: [213, 94, 0], right: [86, 180, 233], missed: [213, 94, 0], "false": [240, 228, 66]};
const swatch = colour => make("i", {class: "swatch", style: `background: rgb(${colour})`});
const colours = () => page.palettes[at("palette").value];

// -- classes ---------------------------------------------------------------------------------

const COLUMNS = [
  ["class", "class", label => page.classes[label]], ["iou", "IoU", label => page.iou[label]], ["accuracy", "accuracy", label => page.accuracy[label]],
  ["boundary", "boundary F", label => page.boundary[label]], ["pixels", "pixels", label => page.confusion[label].reduce((one, other) => one + other, 0)],
  ["pictures", "pictures", label => page.pictures[label]]];

/** Class labels in the order that the reader chose; "class" is the order of the labels, and what no image has comes last. */
function sorted() {
  const labels = page.classes.map((_, label) => label);
  if (state.sort === "class") return state.down ? labels.reverse() : labels;
  const value = COLUMNS.find(([key]) => key === state.sort)[2];
  const order = (one, other) => (value(one) === null) - (value(other) === null) || (state.down ? value(other) - value(one) : value(one) - value(other));
  return labels.sort(order);
}

function fillClasses() {
  const head = COLUMNS.map(([key, title]) => make("th", {scope: "col", class: key === "class" ? "" : "number",
    "aria-sort": state.sort !== key ? "none" : state.down ? "descending" : "ascending"},
    make("button", {class: "link", type: "button", "data-sort": key, click: () => sortBy(key)}, `${title}${state.sort !== key ? "" : state.down ? " ▼" : " ▲"}`)));
  const rows = sorted().map(label => make("tr", {"data-class": label},
    make("th", {scope: "row"}, swatch(colours()[label]), " ", link(page.classes[label], () => { filter(label); at("pictures-title").scrollIntoView(); at("filter").focus({preventScroll: true}); })),
    ...COLUMNS.slice(1).map(([key, , value]) => make("td", {class: "number", "data-key": key},
      ["pixels", "pictures"].includes(key) ? value(label).toLocaleString("en") : percent(value(label)))),
    make("td", {class: "bar", "aria-hidden": "true"}, make("i", {style: `width: ${page.iou[label]}%`}))));
  at("classes").replaceChildren(make("thead", {}, make("tr", {}, ...head, make("th", {scope: "col"}, "IoU from 0 to 100 %"))), make("tbody", {}, ...rows));
}

function sortBy(key) {
  state.down = state.sort === key ? !state.down : key !== "class";
  state.sort = key;
  fillClasses();
  at("classes").querySelector(`[data-sort=${key}]`).focus();
}

// -- confusion matrix ------------------------------------------------------------------------

function fillConfusion() {
  const total = label => page.confusion[label].reduce((one, other) => one + other, 0);
  const there = page.classes.map((_, label) => label).filter(label => total(label) || page.confusion.some(row => row[label]));
  const counts = at("unit").value === "count";
  const cell = (row, column) => {
    const count = page.confusion[row][column], share = 100 * count / Math.max(1, total(row));
    return make("td", {style: `--share: ${share.toFixed(1)}`, "data-cell": `${row},${column}`,
      title: `${page.classes[row]} taken for ${page.classes[column]}: ${count.toLocaleString("en")} pixels, ${share.toFixed(2)} %`},
      counts ? count.toLocaleString("en") : share.toFixed(1));
  };
  at("confusion").replaceChildren(
    make("thead", {}, make("tr", {}, make("td", {}, "true \\ predicted"), ...there.map(label => make("th", {scope: "col"}, page.classes[label])))),
    make("tbody", {}, ...there.map(row => make("tr", {}, make("th", {scope: "row"}, page.classes[row]), ...there.map(column => cell(row, column))))));
}

// -- trimaps ---------------------------------------------------------------------------------

function drawTrimap() {
  const [width, height, left, low] = [640, 300, 50, 40];
  const x = value => left + (width - left - 10) * value / page.trimap.length, y = value => height - low - (height - low - 15) * value / 100;
  const levels = [0, 20, 40, 60, 80, 100], steps = [1, 10, 20, 30, 40];
  const points = page.trimap.map(band => [x(band.width), y(band.mean_iou_percent)]);
  at("trimap").replaceChildren(make("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label":
    `Mean IoU from ${percent(page.trimap[0].mean_iou_percent)} within 1 pixel to ${percent(page.trimap.at(-1).mean_iou_percent)} within ${page.trimap.length}`},
    ...levels.flatMap(level => [make("line", {x1: left, x2: width - 10, y1: y(level), y2: y(level), "stroke-opacity": .3}),
      make("text", {x: left - 6, y: y(level) + 4, "text-anchor": "end"}, `${level} %`)]),
    ...steps.map(step => make("text", {x: x(step), y: height - low + 16, "text-anchor": "middle"}, String(step))),
    make("text", {x: (left + width) / 2, y: height - 6, "text-anchor": "middle"}, "width of the band in pixels"),
    make("line", {class: "whole", x1: left, x2: width - 10, y1: y(page.mean_iou), y2: y(page.mean_iou)}),
    make("polyline", {points: points.map(point => point.join(",")).join(" ")}),
    ...page.trimap.map((band, index) => make("circle", {cx: points[index][0], cy: points[index][1], r: 4},
      make("title", {}, `${band.width} pixels: ${percent(band.mean_iou_percent)}`)))));
  const columns = [["mean IoU", "mean_iou_percent"], ["pixel accuracy", "pixel_accuracy_percent"], ["class accuracy", "mean_class_accuracy_percent"]];
  at("widths").replaceChildren(make("tr", {}, make("th", {scope: "col"}, "width"), ...columns.map(([title]) => make("th", {scope: "col"}, title))),
    ...page.trimap.map(band => make("tr", {}, make("td", {class: "number"}, String(band.width)), ...columns.map(([, key]) => make("td", {class: "number"}, percent(band[key]))))));
}

// -- pictures --------------------------------------------------------------------------------

const score = entry => state.label === null ? entry.mean_iou : entry.iou[state.label];

/** The pictures that hold the class, in the order that the reader chose. */
function chosen() {
  const held = page.cases.filter(entry => state.label === null || state.label in entry.iou);
  if (!judged) return held;
  held.sort((one, other) => score(one) - score(other) || (one.name < other.name ? -1 : 1));
  return state.best ? held.reverse() : held;
}

function filter(label) {
  state.label = label;
  state.cards = CARDS;
  at("filter").value = label === null ? "" : label;
  showPictures();
}

/** Colour label, prediction and difference of a picture, when its small images are there. */
async function paint(entry, photo, canvases) {
  const both = new Image();
  both.src = entry.labels;
  await Promise.all([both.decode(), photo ? photo.decode() : null]);
  const {width, height} = both, read = image => {
    const canvas = make("canvas", {width, height}), context = canvas.getContext("2d", {willReadFrequently: true});
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  const labels = read(both), grey = photo ? read(photo) : null, table = colours(), label = state.label;
  const coloured = index => index === VOID ? [224, 224, 192] : table[index];
  const behind = at => grey ? Array(3).fill(90 + (grey[at] + grey[at + 1] + grey[at + 2]) / 6) : [200, 200, 200];
  const mark = (true_, predicted) => true_ === VOID ? null
    : label === null ? (true_ === predicted ? null : "wrong")
    : true_ === label ? (predicted === label ? "right" : "missed") : predicted === label ? "false" : null;
  const painters = {
    label: at => coloured(labels[at]), prediction: at => coloured(labels[at + 1]),
    difference: at => MARKS[mark(labels[at], labels[at + 1])] ?? behind(at)};
  for (const [kind, canvas] of Object.entries(canvases)) {
    Object.assign(canvas, {width, height});
    const pixels = new ImageData(width, height);
    for (let index = 0; index < pixels.data.length; index += 4) pixels.data.set([...painters[kind](index), 255], index);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }
  canvases.prediction.dataset.painted = "yes";
}

function card(entry, rank, count) {
  const photo = entry.photo ? make("img", {src: entry.photo, alt: `photograph ${entry.name}`}) : null;
  const names = Object.keys(entry.iou).map(label => `${page.classes[label]} ${percent(entry.iou[label])}`).join(", ");
  const kinds = judged ? ["label", "prediction", "difference"] : ["prediction"];
  const canvases = Object.fromEntries(kinds.map(kind => [kind, make("canvas", {role: "img", "aria-label": `${kind} of ${entry.name}`})]));
  paint(entry, photo, canvases);
  const input = photo ?? make("span", {}, entry.missing ? `no photograph ${entry.missing}` : "no folder of photographs");
  return make("figure", {class: "card", "data-name": entry.name},
    make("div", {}, ...[["input", input], ...Object.entries(canvases)].map(([kind, shown]) => make("figure", {}, shown, kind))),
    make("figcaption", {}, make("strong", {}, entry.name), judged ? ` (${rank} of ${count}), mean IoU of its classes ${percent(entry.mean_iou)}, pixels right ${percent(entry.accuracy)}; ${names}` : ""));
}

function showPictures() {
  const held = chosen(), ranked = held.map((entry, index) => [entry, index + 1]), pictured = ranked.filter(([entry]) => entry.labels);
  at("cards").replaceChildren(...pictured.slice(0, state.cards).map(([entry, rank]) => card(entry, rank, held.length)));
  at("more").hidden = pictured.length <= state.cards;
  if (!judged) return;
  const marks = state.label === null ? [["wrong", "wrong"]] : [["right", "found"], ["missed", "missed"], ["false", "taken for it"]];
  at("key").replaceChildren("Difference: ", ...marks.map(([mark, words]) => make("span", {}, swatch(MARKS[mark]), ` ${words}`)), "the rest in grey");
  const total = state.label === null ? page.images : page.pictures[state.label];
  at("held").textContent = `${total.toLocaleString("en")} pictures${state.label === null ? ", by the mean IoU of their classes" : ` hold ${page.classes[state.label]}, by its IoU in them`}; `
    + `${pictured.length} are in this file${held.length < total ? `, and ${held.length} by name` : ""}.`;
  at("names").replaceChildren(...ranked.map(([entry]) => make("tr", {}, make("td", {}, entry.name), make("td", {class: "number"}, percent(score(entry))))));
}

function start() {
  at("palette").replaceChildren(...Object.keys(page.palettes).map(name => make("option", {value: name}, name)));
  at("palette").addEventListener("change", () => { if (judged) fillClasses(); showPictures(); });
  at("more").addEventListener("click", () => { state.cards += CARDS; showPictures(); });
  if (judged) {
    at("filter").replaceChildren(make("option", {value: ""}, "all classes"),
      ...page.classes.map((name, label) => [name, label]).filter(([, label]) => page.pictures[label]).map(([name, label]) => make("option", {value: label}, `${name} (${page.pictures[label]})`)));
    at("filter").addEventListener("change", () => filter(at("filter").value === "" ? null : Number(at("filter").value)));
    at("order").addEventListener("change", () => { state.best = at("order").value === "best"; state.cards = CARDS; showPictures(); });
    at("unit").addEventListener("change", fillConfusion);
    fillClasses();
    fillConfusion();
    drawTrimap();
  }
  showPictures();
}

start();
