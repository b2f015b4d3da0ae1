"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const field = (id) => document.getElementById(id);
const plot = field("plot");

const STRETCHES = 400;
// Curves are unpacked when they are first drawn, and kept.
const unpacked = new Map();
const unpack = async (packed, positions) => {
  if (unpacked.has(packed)) return unpacked.get(packed);
  const bytes = Uint8Array.from(atob(packed.codes), (c) => c.charCodeAt(0));
  const halves = new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  const count = halves.length / 2;
  let code = 0;
  const all = Float64Array.from({ length: count }, (_, i) => {
    code = (code + halves[i] + 256 * halves[count + i]) & 65535;
    const row = Math.floor(i / positions);
    return code === data.gap ? NaN : packed.low[row] + (code / (data.gap - 1)) * packed.width[row];
  });
  const rows = packed.low.map((_, row) => all.subarray(row * positions, (row + 1) * positions));
  unpacked.set(packed, rows);
  return rows;
};

// Of the epochs in view: all of them, or the lowest and the highest of every stretch.
const thin = (row, [from, to], factor) => {
  const x = [], y = [];
  const first = Math.max(0, Math.floor(from) - 2), last = Math.min(row.length, Math.ceil(to) + 1);
  const take = (at) => { x.push(at + 1); y.push(Number.isNaN(row[at]) ? null : row[at] * factor); };
  const step = Math.ceil((last - first) / STRETCHES);
  for (let start = first; start < last; start += step) {
    let low = start, high = start;
    for (let at = start; at < Math.min(start + step, last); at += 1) {
      if (row[at] < row[low] || Number.isNaN(row[low])) low = at;
      if (row[at] > row[high] || Number.isNaN(row[high])) high = at;
    }
    for (const at of [...new Set([start, low, high, Math.min(start + step, last) - 1])].sort((a, b) => a - b)) take(at);
  }
  return { x, y };
};

// Plotly reads some markup in names; to readers a name is just text.
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const colour = (role) => getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim();

const fill = (select, names) => {
  const kept = select.value;
  select.replaceChildren(...names.map(([value, name]) => new Option(name, value)));
  if (names.some(([value]) => value === kept)) select.value = kept;
};

const chosen = () => {
  const lesson = data.lessons[field("lesson").value];
  return { lesson, scope: lesson.scopes[field("scope").value], metric: Number(field("metric").value), seed: field("seed").value };
};

const view = { x: null, y: null };

const traces = async () => {
  const { lesson, scope, metric, seed } = chosen();
  const { factor, suffix } = data.metrics[metric];
  const found = [];
  for (const [at, place] of scope.arms.entries()) {
    const arm = data.arms[place];
    const name = plain(lesson.variants[at]);
    const span = view.x ?? [1, arm.epochs];
    const line = { type: "scatter", mode: "lines", legendgroup: name, connectgaps: false };
    if (field("each").checked || seed !== "all") {
      (await unpack(arm.curves[metric].each, arm.epochs)).forEach((row, i) => {
        const single = String(arm.seeds[i]) === seed;
        if (seed !== "all" && !single) return;
        found.push({ ...line, ...thin(row, span, factor), name: `${name}, seed ${arm.seeds[i]}`, showlegend: false, opacity: single ? 1 : 0.28,
          line: { color: colour(lesson.roles[at]), width: single ? 1.6 : 1, dash: single ? "dot" : "solid" },
          hovertemplate: `${name}, seed ${arm.seeds[i]}<br>epoch %{x}: %{y:.4~g}${suffix}<extra></extra>` });
      });
    }
    if (arm.epochs) {
      const [mean] = await unpack(arm.curves[metric].mean, arm.epochs);
      found.push({ ...line, ...thin(mean, span, factor), name, line: { color: colour(lesson.roles[at]), width: 3 },
        hovertemplate: `${name}, mean<br>epoch %{x}: %{y:.4~g}${suffix}<extra></extra>` });
    }
  }
  return found;
};

const layout = () => {
  const { lesson, scope, metric } = chosen();
  const axis = { gridcolor: colour("grid"), linecolor: colour("axis"), zeroline: false, color: colour("muted") };
  return {
    height: Math.max(420, innerHeight - 330), margin: { l: 64, r: 16, t: 30, b: 48 }, hovermode: "closest", dragmode: "zoom",
    paper_bgcolor: colour("paper"), plot_bgcolor: colour("paper"), font: { color: colour("ink"), family: getComputedStyle(document.body).fontFamily },
    legend: { orientation: "h", y: 1.08 },
    xaxis: { ...axis, title: { text: "epoch" }, ...ranged(view.x) },
    yaxis: { ...axis, title: { text: plain(data.metrics[metric].name) }, ticksuffix: data.metrics[metric].suffix, type: field("log").checked ? "log" : "linear", ...ranged(view.y) },
  };
};
const ranged = (range) => (range ? { range: [...range], autorange: false } : { autorange: true });

// The address says what is shown.
const FIELDS = ["lesson", "scope", "metric", "seed"];
const BOXES = ["each", "log"];
const short = (range) => range.map((end) => Number(end.toPrecision(6))).join("~");
const keep = () => {
  const said = new URLSearchParams(FIELDS.map((id) => [id, field(id).value]));
  for (const id of BOXES) said.set(id, field(id).checked ? "1" : "0");
  for (const axis of ["x", "y"]) if (view[axis]) said.set(axis, short(view[axis]));
  history.replaceState(null, "", `#${said}`);
};
const restore = () => {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const id of FIELDS) {
    if ([...field(id).options].some(({ value }) => value === said.get(id))) field(id).value = said.get(id);
    if (id !== "seed") offer();
  }
  for (const id of BOXES) if (said.has(id)) field(id).checked = said.get(id) === "1";
  for (const axis of ["x", "y"]) {
    const range = (said.get(axis) ?? "").split("~").map(Number);
    view[axis] = range.length === 2 && range.every(Number.isFinite) ? range : null;
  }
};

const OPTIONS = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
let turn = 0;
const draw = async () => {
  const mine = (turn += 1);
  const { lesson, scope, metric } = chosen();
  const drawn = await traces();
  if (mine !== turn) return;
  await Plotly.react(plot, drawn, layout(), OPTIONS);
  const said = `${data.metrics[metric].name}, ${lesson.title}, ${scope.name.toLowerCase()}: ${lesson.variants.join(", ")}`;
  plot.setAttribute("aria-label", said);
  field("said").textContent = `Shown: ${said}.`;
  keep();
};

const offer = () => {
  const lesson = data.lessons[field("lesson").value];
  fill(field("scope"), lesson.scopes.map((scope, at) => [String(at), scope.name]));
  const scope = lesson.scopes[field("scope").value];
  const seeds = [...new Set(scope.arms.flatMap((place) => data.arms[place].seeds))].sort((a, b) => a - b);
  fill(field("seed"), [["all", "all"], ...seeds.map((seed) => [String(seed), String(seed)])]);
};

const choose = ({ target }) => {
  if (target.id !== "each" && target.id !== "seed") view.y = null;
  if (target.id === "lesson") view.x = null;
  offer();
  draw();
};

// Zooming draws the epochs in view anew, all of them where there is room.
const zoomed = (change) => {
  const before = JSON.stringify(view);
  for (const axis of ["x", "y"]) {
    if (`${axis}axis.range[0]` in change) view[axis] = [change[`${axis}axis.range[0]`], change[`${axis}axis.range[1]`]];
    if (change[`${axis}axis.autorange`]) view[axis] = null;
  }
  if (JSON.stringify(view) !== before) draw();
};

const start = () => {
  fill(field("lesson"), shown);
  fill(field("metric"), data.metrics.map(({ name }, at) => [String(at), name]));
  offer();
  restore();
  // Whatever is chosen while the first curves are still being unpacked is heard, too.
  Plotly.newPlot(plot, [], layout(), OPTIONS);
  plot.on("plotly_relayout", zoomed);
  field("choices").addEventListener("change", choose);
  addEventListener("hashchange", () => { restore(); draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
};

field("mute").remove();
field("choices").hidden = false;
const shown = data.lessons.map((lesson, at) => [String(at), lesson.title]).filter(([at]) => data.lessons[at].scopes.length);
if (shown.length && data.metrics.length) start();
else field("said").textContent = "No run left a history.";
