"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const field = (id) => document.getElementById(id);
const plot = field("plot");

const unpack = ({ low, width, codes }, positions) => {
  const bytes = Uint8Array.from(atob(codes), (c) => c.charCodeAt(0));
  const numbers = new Uint16Array(bytes.buffer);
  return low.map((start, row) => Array.from(numbers.subarray(row * positions, (row + 1) * positions),
    (code) => (code === data.gap ? null : start + (code / (data.gap - 1)) * width[row])));
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

const traces = () => {
  const { lesson, scope, metric, seed } = chosen();
  const { factor, suffix } = data.metrics[metric];
  const found = [];
  scope.arms.map((place) => data.arms[place]).forEach((arm, at) => {
    const name = plain(lesson.variants[at]);
    const scaled = (rows) => unpack(rows, arm.epochs.length).map((row) => row.map((v) => (v === null ? null : v * factor)));
    const line = { x: arm.epochs, type: "scatter", mode: "lines", legendgroup: name, connectgaps: false };
    if (field("each").checked || seed !== "all") {
      scaled(arm.curves[metric].each).forEach((row, i) => {
        const single = String(arm.seeds[i]) === seed;
        if (seed !== "all" && !single) return;
        found.push({ ...line, y: row, name: `${name}, seed ${arm.seeds[i]}`, showlegend: false, opacity: single ? 1 : 0.28,
          line: { color: colour(lesson.roles[at]), width: single ? 1.6 : 1, dash: single ? "dot" : "solid" },
          hovertemplate: `${name}, seed ${arm.seeds[i]}<br>epoch %{x}: %{y:.4~g}${suffix}<extra></extra>` });
      });
    }
    if (arm.epochs.length) {
      found.push({ ...line, y: scaled(arm.curves[metric].mean)[0], name, line: { color: colour(lesson.roles[at]), width: 3 },
        hovertemplate: `${name}, mean<br>epoch %{x}: %{y:.4~g}${suffix}<extra></extra>` });
    }
  });
  return found;
};

const layout = () => {
  const { lesson, scope, metric } = chosen();
  const axis = { gridcolor: colour("grid"), linecolor: colour("axis"), zeroline: false, color: colour("muted") };
  return {
    height: Math.max(420, innerHeight - 330), margin: { l: 64, r: 16, t: 30, b: 48 }, hovermode: "closest", dragmode: "zoom",
    paper_bgcolor: colour("paper"), plot_bgcolor: colour("paper"), font: { color: colour("ink"), family: getComputedStyle(document.body).fontFamily },
    legend: { orientation: "h", y: 1.08 }, uirevision: `${lesson.title}/${scope.name}/${metric}/${field("log").checked}`,
    xaxis: { ...axis, title: { text: "epoch" } },
    yaxis: { ...axis, title: { text: plain(data.metrics[metric].name) }, ticksuffix: data.metrics[metric].suffix, type: field("log").checked ? "log" : "linear" },
  };
};

const draw = () => {
  const { lesson, scope, metric } = chosen();
  Plotly.react(plot, traces(), layout(), { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] });
  const said = `${data.metrics[metric].name}, ${lesson.title}, ${scope.name.toLowerCase()}: ${lesson.variants.join(", ")}`;
  plot.setAttribute("aria-label", said);
  field("said").textContent = `Shown: ${said}.`;
};

const choose = () => {
  const lesson = data.lessons[field("lesson").value];
  fill(field("scope"), lesson.scopes.map((scope, at) => [String(at), scope.name]));
  const scope = lesson.scopes[field("scope").value];
  const seeds = [...new Set(scope.arms.flatMap((place) => data.arms[place].seeds))].sort((a, b) => a - b);
  fill(field("seed"), [["all", "all"], ...seeds.map((seed) => [String(seed), String(seed)])]);
  draw();
};

field("mute").remove();
field("choices").hidden = false;
const shown = data.lessons.map((lesson, at) => [String(at), lesson.title]).filter(([at]) => data.lessons[at].scopes.length);
if (shown.length && data.metrics.length) {
  fill(field("lesson"), shown);
  fill(field("metric"), data.metrics.map(({ name }, at) => [String(at), name]));
  field("choices").addEventListener("change", choose);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  choose();
} else {
  field("said").textContent = "No run left a history.";
}
