// The curves of training runs. A panel has the drawing of a quantity and a table of its curves, which is the legend too; what is chosen holds for all panels.

const WIDTH = 720, HEIGHT = 260, LEFT = 70, RIGHT = 24, TOP = 10, BOTTOM = 34;
/** curves of fewer points have them marked */
const FEW = 30;
const COLOURS = 8, DASHES = ["", "7 4", "2 4", "9 4 2 4"];
/** the frame in which the file is read again */
const FRAME = "the file as it is now";
const state = {page, panels: [], hidden: new Set(), iteration: null, held: null};

const shown = curve => !state.hidden.has(curve.run) && !state.hidden.has(key(curve));
/** what single batches shake, which the slider smooths: neither tests nor the learning rate */
const trained = name => name === "loss" || name.startsWith("train/");
const key = curve => JSON.stringify([curve.run, curve.name]);
const label = curve => state.page.runs.length > 1 ? `${curve.run}: ${curve.name}` : curve.name;
const number = value => value === null ? "not finite" : Number(value.toPrecision(5)).toString();

/** The exponential mean of the values so far, of which each weighs `weight` times the one after it; null where there is none. */
function smoothed(values, weight) {
  let sum = 0, total = 0;
  return values.map(value => {
    if (value === null) return null;
    [sum, total] = [weight * sum + value, weight * total + 1];
    return sum / total;
  });
}

// -- axes ------------------------------------------------------------------------------------

/** An axis that holds all values: its ends, marks, and where between 0 and 1 a value is. */
function axis(lists, logarithmic) {
  const has = value => value !== null && (value > 0 || !logarithmic);
  let low = Infinity, high = -Infinity;
  for (const values of lists) for (const value of values) if (has(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) [low, high] = [1, 10];
  if (low === high) [low, high] = logarithmic ? [low / 2, high * 2] : [low - (Math.abs(low) / 10 || 1), high + (Math.abs(high) / 10 || 1)];
  const of = logarithmic ? Math.log10 : value => value;
  return {low, high, marks: marks(low, high, logarithmic), has, place: value => (of(value) - of(low)) / (of(high) - of(low))};
}

/** Round numbers from low to high: powers of ten on a logarithmic axis that holds two or more. */
function marks(low, high, logarithmic) {
  const first = Math.ceil(Math.log10(low)), last = Math.floor(Math.log10(high));
  if (logarithmic && last > first) {
    const every = Math.ceil((last - first + 1) / 7);
    return Array.from({length: Math.floor((last - first) / every) + 1}, (_, index) => Number(`1e${first + index * every}`));
  }
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(each => each >= rough);
  const start = Math.ceil(low / step - 1e-9), count = Math.floor(high / step + 1e-9) - start + 1;
  return Array.from({length: count}, (_, index) => Number(((start + index) * step).toPrecision(12)));
}

// -- a panel ---------------------------------------------------------------------------------

function render() {
  const focused = document.activeElement?.dataset?.focus;
  at("smoothing-value").textContent = at("smoothing").value;
  state.panels = state.page.panels.map(panel);
  at("panels").replaceChildren(...state.panels.map(each => each.element), ...(state.panels.length ? [] : [make("p", {}, "No values yet.")]));
  if (focused) [...document.querySelectorAll("[data-focus]")].find(element => element.dataset.focus === focused)?.focus({preventScroll: true});
  runs();
  read(state.iteration);
}

/** A panel's element, and a function that shows the values at an iteration. */
function panel({title, curves: whole}) {
  const names = [...new Set(whole.map(curve => curve.name))];
  const bound = (id, otherwise) => at(id).value === "" ? otherwise : Number(at(id).value);
  const from = bound("from", -Infinity), to = bound("to", Infinity);
  const curves = whole.map((curve, index) => {
    const keep = values => values.filter((_, each) => curve.iterations[each] >= from && curve.iterations[each] <= to);
    const colour = state.page.runs.length > 1 ? state.page.runs.findIndex(run => run.name === curve.run) : index;
    const weight = trained(curve.name) ? Number(at("smoothing").value) : 0;
    const dashes = DASHES[(names.indexOf(curve.name) + Math.floor(colour / COLOURS)) % DASHES.length];
    return {...curve, weight, drawn: curve.values.length, iterations: keep(curve.iterations), raw: keep(curve.values), values: keep(smoothed(curve.values, weight)),
      look: `stroke: var(--c${colour % COLOURS}); stroke-dasharray: ${dashes || "none"}`};
  });
  const seen = curves.filter(shown);
  const x = axis(seen.map(curve => curve.iterations), at("log-iterations").checked), y = axis(seen.flatMap(curve => [curve.raw, curve.values]), at("log-values").checked);
  const picture = drawing(title, seen, x, y), numbers = table(curves);
  return {
    element: make("section", {class: "panel", "aria-label": title}, make("h2", {}, title), picture.element, numbers.element, ...notes(curves, x, y)),
    read: iteration => { picture.read(iteration); numbers.read(iteration, picture.element === document.activeElement); },
  };
}

function drawing(title, curves, x, y) {
  const right = value => LEFT + (WIDTH - LEFT - RIGHT) * x.place(value), down = value => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y.place(value);
  const line = (x1, y1, x2, y2) => `M${x1},${y1}L${x2},${y2}`;
  const path = (curve, values, apart) => {
    let d = "", pen = "M";
    curve.iterations.forEach((iteration, index) => {
      const has = x.has(iteration) && y.has(values[index]);
      if (has) d += `${pen}${right(iteration).toFixed(1)},${down(values[index]).toFixed(1)}${pen === "M" ? "h0" : ""}`;
      pen = has && !apart ? "L" : "M";
    });
    return d;
  };
  const cursor = make("path", {class: "cursor"});
  const element = make("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "application", "data-focus": `drawing ${title}`,
    "aria-label": `${title} over iterations ${number(x.low)} to ${number(x.high)}, from ${number(y.low)} to ${number(y.high)}: arrow keys read values`},
    ...y.marks.flatMap(mark => [make("path", {class: "grid", d: line(LEFT, down(mark), WIDTH - RIGHT, down(mark))}),
      make("text", {x: LEFT - 6, y: down(mark) + 4, "text-anchor": "end"}, number(mark))]),
    ...x.marks.flatMap(mark => [make("path", {class: "grid", d: line(right(mark), TOP, right(mark), HEIGHT - BOTTOM)}),
      make("text", {x: right(mark), y: HEIGHT - 14, "text-anchor": "middle"}, number(mark))]),
    ...curves.flatMap(curve => [
      curve.weight ? make("path", {class: "curve faint", style: curve.look, d: path(curve, curve.raw)}) : null,
      make("path", {class: "curve line", style: curve.look, "data-curve": curve.name, "data-run": curve.run, d: path(curve, curve.values)}),
      curve.iterations.length < FEW ? make("path", {class: "curve dots", style: curve.look, d: path(curve, curve.values, true)}) : null]), cursor);
  const iterations = [...new Set(curves.flatMap(curve => curve.iterations).filter(x.has))].sort((one, other) => one - other);
  listen(element, iterations, right);
  const inside = iteration => iteration !== null && x.has(iteration) && iteration >= x.low && iteration <= x.high;
  return {element, read: iteration => cursor.setAttribute("d", inside(iteration) ? line(right(iteration), TOP, right(iteration), HEIGHT - BOTTOM) : "")};
}

/** Show the values at an iteration, in all panels. */
function read(iteration) {
  state.iteration = iteration;
  for (const each of state.panels) each.read(iteration);
}

/** The pointer and the keys choose the iteration whose values are read; a drag, those that are drawn. */
function listen(svg, iterations, right) {
  const under = event => {
    const area = svg.getBoundingClientRect(), place = (event.clientX - area.left) / area.width * WIDTH;
    return iterations.reduce((best, each) => best === null || Math.abs(right(each) - place) < Math.abs(right(best) - place) ? each : best, null);
  };
  svg.addEventListener("pointermove", event => read(under(event)));
  svg.addEventListener("pointerdown", event => { state.held = under(event); });
  svg.addEventListener("pointerup", event => {
    const [from, to] = [state.held, under(event)].sort((one, other) => one - other);
    if (state.held !== null && to > from) zoom(from, to);
  });
  svg.addEventListener("dblclick", () => zoom("", ""));
  svg.addEventListener("keydown", event => {
    const here = iterations.indexOf(state.iteration), last = iterations.length - 1;
    const next = {ArrowLeft: here < 0 ? last : Math.max(0, here - 1), ArrowRight: Math.min(last, here + 1), Home: 0, End: last}[event.key];
    if (event.key === "Escape") zoom("", "");
    if (next !== undefined && last >= 0) { event.preventDefault(); read(iterations[next]); }
  });
}

function zoom(from, to) {
  [at("from").value, at("to").value] = [from, to];
  render();
}

/** The legend and the numbers: what a curve ends with, its extremes, and what it is where the cursor stands. */
function table(curves) {
  const cell = (text = "") => make("td", {class: "number"}, text);
  const title = make("th", {scope: "col", class: "number"}), cells = curves.map(() => cell());
  const rows = curves.map((curve, index) => make("tr", {},
    make("td", {}, switching(key(curve), label(curve), curve.look), curve.not_finite
      ? make("div", {class: "note"}, `${curve.not_finite.count} not finite, the first at ${curve.not_finite.first}`) : null),
    cells[index], ...[curve.last, curve.least, curve.greatest].map(point => cell(point ? `${number(point[1])} at ${point[0]}` : "none"))));
  const body = make("tbody", {}, ...rows);
  const head = ["last", "least", "greatest"].map(name => make("th", {scope: "col", class: "number"}, name));
  return {
    element: make("table", {}, make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "curve"), title, ...head)), body),
    read: (iteration, aloud) => {
      body.setAttribute("aria-live", aloud ? "polite" : "off");
      title.textContent = iteration === null ? "here" : `at ${iteration}`;
      cells.forEach((each, index) => { each.textContent = here(curves[index], iteration); });
    },
  };
}

/** The value at an iteration or, where a curve has none, at its last one before, which is said. */
function here(curve, iteration) {
  const index = iteration === null ? -1 : curve.iterations.findLastIndex(each => each <= iteration);
  if (index < 0) return "";
  const value = number(curve.raw[index]) + (curve.weight && curve.raw[index] !== null ? `\nsmoothed ${number(curve.values[index])}` : "");
  return curve.iterations[index] === iteration ? value : `${value} (at ${curve.iterations[index]})`;
}

function switching(name, text, look) {
  const click = () => { state.hidden.has(name) ? state.hidden.delete(name) : state.hidden.add(name); render(); };
  const sample = look ? make("svg", {viewBox: "0 0 32 10", "aria-hidden": "true"}, make("path", {class: "curve", d: "M1,5L31,5", style: look})) : null;
  return make("button", {type: "button", class: look ? "curve-name" : "", "aria-pressed": !state.hidden.has(name), "data-focus": name, click}, sample, text);
}

function notes(curves, x, y) {
  const off = curve => curve.raw.filter((value, index) => value !== null && !(x.has(curve.iterations[index]) && y.has(value))).length;
  const count = curves.filter(shown).reduce((sum, curve) => sum + off(curve), 0);
  const lines = curves.filter(curve => curve.count > curve.drawn).map(curve =>
    `${label(curve)}: ${curve.drawn} of ${curve.count} values are drawn, those at which it looks the same.`);
  if (count) lines.push(`${count} of the values are at zero or below, which logarithmic axes have no place for.`);
  return lines.map(text => make("p", {class: "note"}, text));
}

function runs() {
  const several = state.page.runs.length > 1 ? state.page.runs.map((run, index) => switching(run.name, run.name, `stroke: var(--c${index % COLOURS})`)) : [];
  const resumed = state.page.runs.filter(run => run.resumed.length).map(run =>
    make("span", {class: "note"}, `${state.page.runs.length > 1 ? `${run.name}: ` : ""}resumed at iteration ${run.resumed.join(", ")}; what was computed beyond it before is left out`));
  at("runs").replaceChildren(...several, ...resumed);
}

// -- a file that is written again ------------------------------------------------------------

function status() {
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - state.page.written));
  const ago = seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
  at("status").textContent = state.page.refresh ? `training; written ${ago} ago` : `written ${new Date(1000 * state.page.written).toLocaleString()}`;
}

/** Read the file again: a page from disk may load it into a frame only, which then hands its data over. */
function refresh() {
  if (document.hidden || !state.page.refresh) return;
  document.querySelector("iframe")?.remove();
  document.body.append(make("iframe", {name: FRAME, src: `${location.pathname}?${Date.now()}`, hidden: "", title: FRAME}));
}

function start() {
  for (const id of ["smoothing", "log-values", "log-iterations", "from", "to"]) at(id).addEventListener("input", render);
  at("controls").addEventListener("submit", event => event.preventDefault());
  at("all").addEventListener("click", () => zoom("", ""));
  addEventListener("pointerup", () => { state.held = null; });
  addEventListener("message", event => {
    const frame = document.querySelector("iframe");
    if (!frame || event.source !== frame.contentWindow) return;
    frame.remove();
    if (event.data.written === state.page.written) return;
    state.page = event.data;
    render();
    status();
  });
  render();
  status();
  setInterval(status, 1000);
  if (page.refresh) setInterval(refresh, 1000 * page.refresh);
}

if (window.name === FRAME) parent.postMessage(page, "*");
else start();
