"use strict";
(() => {
const data = JSON.parse(document.getElementById("mapdata").textContent);
const $ = id => document.getElementById(id), root = $("map"), count = data.files.length;
const [tileHeight, tileWidth] = data.size, trained = data.predictions !== null;
const lowered = data.files.map(file => file.toLowerCase());
const sprite = new Image(); sprite.src = data.sprite;
const darkness = matchMedia("(prefers-color-scheme: dark)");

// ---- Groups: what the colours mean. Each way of colouring puts every image into one group, and any group can be hidden.

const BINS = [[0.99, "99 % and more", "#0072B2"], [0.9, "90 to 99 %", "#56B4E9"], [0.7, "70 to 90 %", "#999933"], [0.5, "50 to 70 %", "#E69F00"], [0, "below 50 %", "#D55E00"]];
const groupings = { label: { text: "true label", names: data.classes, colours: data.colours, of: data.labels } };
if (trained) {
  groupings.prediction = { text: "prediction", names: data.classes, colours: data.colours, of: data.predictions };
  groupings.correct = { text: "right or wrong", names: ["right", "wrong"], colours: ["#0072B2", "#D55E00"], of: data.labels.map((label, i) => +(label !== data.predictions[i])), onTop: true };
  groupings.confidence = { text: "confidence", names: BINS.map(bin => bin[1]), colours: BINS.map(bin => bin[2]), of: data.confidences.map(value => BINS.findIndex(bin => value >= bin[0])), onTop: true };
}
for (const [key, grouping] of Object.entries(groupings)) { grouping.hidden = new Set(); $("colour").add(new Option(grouping.text, key)); }

let grouping = groupings.label, lassoing = false, query = "", focused = -1, shown = count;
const visible = new Uint8Array(count).fill(1), chosen = new Set();
let order = [...data.files.keys()];

function filter() {
  shown = 0;
  const all = Object.values(groupings).filter(each => each.hidden.size);
  for (let i = 0; i < count; i++) {
    visible[i] = +(all.every(each => !each.hidden.has(each.of[i])) && (!query || lowered[i].includes(query)));
    shown += visible[i];
  }
  if (focused >= 0 && !visible[focused]) focus(-1);
  $("all").hidden = !all.length;
  tell(); for (const view of views) view.paint();
}
function tell() {
  const of = shown === count ? `${count.toLocaleString("en")} shown` : `${shown.toLocaleString("en")} of ${count.toLocaleString("en")} shown`;
  $("count").textContent = chosen.size ? `${chosen.size.toLocaleString("en")} selected, ${of}` : of;
  $("save").textContent = chosen.size ? "Save selected as CSV" : "Save shown as CSV";
  $("save").disabled = !chosen.size && !shown;
}
function legend() {
  const counts = new Array(grouping.names.length).fill(0), { hidden } = grouping;
  for (const group of grouping.of) counts[group]++;
  const present = counts.flatMap((n, k) => n ? [k] : []);
  $("legend").replaceChildren(...present.map(k => {
    const row = element("div"), label = element("label"), tick = element("input"), dot = element("i"), only = element("button", "only");
    tick.type = "checkbox"; tick.checked = !hidden.has(k); dot.style.background = ink(grouping.colours[k]);
    only.setAttribute("aria-label", `Show only ${grouping.names[k]}`);
    tick.onchange = () => { tick.checked ? hidden.delete(k) : hidden.add(k); filter(); };
    only.onclick = () => { hidden.clear(); for (const other of present) if (other !== k) hidden.add(other); legend(); filter(); };
    label.title = grouping.names[k];
    label.append(tick, dot, element("span", grouping.names[k]), element("em", counts[k].toLocaleString("en"))); row.append(label, only);
    return row;
  }));
}
function element(tag, text = "") { const made = document.createElement(tag); made.textContent = text; return made; }
function ink(colour) {  // Dark colours would drown in a dark ground.
  if (!darkness.matches) return colour;
  return `rgb(${numbers(colour).map(value => Math.round(value * 0.68 + 255 * 0.32)).join(", ")})`;
}
function thumbnail(i, canvas = element("canvas")) {
  canvas.width = tileWidth; canvas.height = tileHeight; canvas.className = tileWidth <= 64 ? "small" : "";
  const left = tileWidth * (i % data.columns), top = tileHeight * Math.floor(i / data.columns);
  canvas.getContext("2d").drawImage(sprite, left, top, tileWidth, tileHeight, 0, 0, tileWidth, tileHeight);
  return canvas;
}

// ---- A view: one map on two layers, points below, and above them what changes while the pointer moves.

class View {
  constructor() {
    const box = $("view").content.cloneNode(true).firstChild;
    this.box = box; this.stage = box.querySelector(".stage"); this.select = box.querySelector("select"); this.tip = box.querySelector(".tip");
    [this.canvas, this.over] = this.stage.querySelectorAll(":scope > canvas");
    this.ground = this.canvas.getContext("2d"); this.front = this.over.getContext("2d");
    this.px = new Float32Array(count); this.py = new Float32Array(count); this.pz = new Float32Array(count);
    this.loop = []; this.pointers = new Map(); this.turn = [0.6, 0.4];
    data.maps.forEach((map, k) => this.select.add(new Option(map.name, k)));
    this.select.hidden = data.maps.length < 2;
    this.select.onchange = () => this.choose(+this.select.value);
    listen(this); $("views").append(box);
    new ResizeObserver(() => this.fit()).observe(this.stage);
  }
  choose(k) { this.axes = data.maps[k].axes; this.select.value = k; this.fit(); }
  get deep() { return this.axes.length === 3; }
  place() {  // Where every point is on the screen.
    const [xs, ys, zs] = this.axes, { scale, x, y } = this.at, { px, py, pz } = this;
    if (!this.deep) { for (let i = 0; i < count; i++) { px[i] = x + scale * xs[i]; py[i] = y - scale * ys[i]; } return; }
    const [yaw, pitch] = this.turn, c = Math.cos(yaw), s = Math.sin(yaw), d = Math.cos(pitch), t = Math.sin(pitch);
    for (let i = 0; i < count; i++) {
      const across = c * xs[i] + s * zs[i], into = c * zs[i] - s * xs[i];
      px[i] = x + scale * across; py[i] = y - scale * (d * ys[i] - t * into); pz[i] = t * ys[i] + d * into;
    }
  }
  fit() {
    if (!this.axes) return;
    const w = this.stage.clientWidth, h = this.stage.clientHeight, ratio = devicePixelRatio || 1;
    if (!w || !h) return;
    for (const canvas of [this.canvas, this.over]) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
    this.image = this.ground.createImageData(this.canvas.width, this.canvas.height);
    this.at = { scale: 1, x: 0, y: 0 }; this.place();
    let a = Infinity, b = -Infinity, c = Infinity, d = -Infinity;
    for (let i = 0; i < count; i++) { a = Math.min(a, this.px[i]); b = Math.max(b, this.px[i]); c = Math.min(c, this.py[i]); d = Math.max(d, this.py[i]); }
    const scale = Math.min((w - 32) / Math.max(b - a, 1e-9), (h - 32) / Math.max(d - c, 1e-9));
    this.at = { scale, x: w / 2 - scale * (a + b) / 2, y: h / 2 - scale * (c + d) / 2 };
    this.paint();
  }
  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const { at } = this; this.at = { scale: at.scale * factor, x: x + (at.x - x) * factor, y: y + (at.y - y) * factor }; this.paint();
  }
  drag(dx, dy) {
    if (this.deep) this.turn = [this.turn[0] + dx / 150, Math.max(-1.57, Math.min(1.57, this.turn[1] + dy / 150))];
    else this.at = { ...this.at, x: this.at.x + dx, y: this.at.y + dy };
    this.paint();
  }
  paint() { if (!this.waiting) { this.waiting = true; requestAnimationFrame(() => { this.waiting = false; this.draw(); }); } }
  draw() {
    if (!this.at) return;
    this.place();
    // Blended by hand into the pixels: ten thousand drawImage or arc calls took ten times as long.
    const { px, py, image } = this, ratio = devicePixelRatio || 1, { width, height } = image, pixels = image.data;
    this.radius = Math.max(2, Math.min(6, 190 / Math.sqrt(count) * Math.sqrt(this.stage.clientWidth / 900)));
    const paper = numbers(getComputedStyle(this.stage).backgroundColor);
    new Uint32Array(pixels.buffer).fill((255 << 24) | (paper[2] << 16) | (paper[1] << 8) | paper[0]);
    const inks = grouping.colours.map(colour => numbers(ink(colour)));
    const painted = this.deep ? order.slice().sort((i, j) => this.pz[i] - this.pz[j]) : order;
    for (const layer of chosen.size ? [0, 1] : [1]) {  // The chosen ones lie above the others, which fade.
      const [mask, side] = dot(this.radius * ratio, layer ? 0.8 : 0.13), reach = side >> 1;
      for (const i of painted) {
        if (!visible[i] || (chosen.size && chosen.has(i) !== !!layer)) continue;
        const left = Math.round(px[i] * ratio) - reach, top = Math.round(py[i] * ratio) - reach;
        if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
        const [red, green, blue] = inks[grouping.of[i]];
        for (let y = 0, m = 0; y < side; y++) {
          for (let x = 0, at = 4 * ((top + y) * width + left); x < side; x++, at += 4) {
            const share = mask[m++];
            pixels[at] += (red - pixels[at]) * share; pixels[at + 1] += (green - pixels[at + 1]) * share; pixels[at + 2] += (blue - pixels[at + 2]) * share;
          }
        }
      }
    }
    this.ground.putImageData(image, 0, 0);
    this.drawFront();
  }
  drawFront() {
    const { front, loop } = this, ratio = devicePixelRatio || 1;
    front.setTransform(1, 0, 0, 1, 0, 0); front.clearRect(0, 0, this.over.width, this.over.height); front.setTransform(ratio, 0, 0, ratio, 0, 0);
    front.strokeStyle = getComputedStyle(document.body).color;
    if (focused >= 0) { front.lineWidth = 2; front.beginPath(); front.arc(this.px[focused], this.py[focused], this.radius + 3, 0, 7); front.stroke(); }
    if (loop.length > 1) { front.lineWidth = 1.5; front.beginPath(); loop.forEach(([x, y], k) => k ? front.lineTo(x, y) : front.moveTo(x, y)); front.closePath(); front.stroke(); front.globalAlpha = 0.08; front.fillStyle = front.strokeStyle; front.fill(); front.globalAlpha = 1; }
  }
  nearest(x, y) {  // All of ten thousand points take less than 0.1 ms: no index is needed.
    let best = -1, least = 196;
    for (let i = 0; i < count; i++) { if (!visible[i]) continue; const d = (this.px[i] - x) ** 2 + (this.py[i] - y) ** 2; if (d < least) { least = d; best = i; } }
    return best;
  }
  next(dx, dy) {  // The nearest visible point in a direction: what an arrow key goes to.
    if (focused < 0) { let best = -1, least = Infinity; const w = this.stage.clientWidth / 2, h = this.stage.clientHeight / 2; for (let i = 0; i < count; i++) { const d = (this.px[i] - w) ** 2 + (this.py[i] - h) ** 2; if (visible[i] && d < least) { least = d; best = i; } } return best; }
    let best = focused, least = Infinity;
    for (let i = 0; i < count; i++) {
      const x = this.px[i] - this.px[focused], y = this.py[i] - this.py[focused], along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (i === focused || !visible[i] || along < 0.5 || aside > along) continue;
      const d = along + 2 * aside; if (d < least) { least = d; best = i; }
    }
    return best;
  }
  selectLoop() {
    const { loop, px, py } = this; chosen.clear();
    for (let i = 0; i < count; i++) {
      if (!visible[i]) continue;
      let inside = false;
      for (let k = 0, j = loop.length - 1; k < loop.length; j = k++) {
        const [a, b] = loop[k], [c, d] = loop[j];
        if (b > py[i] !== d > py[i] && px[i] < (c - a) * (py[i] - b) / (d - b) + a) inside = !inside;
      }
      if (inside) chosen.add(i);
    }
    selected();
  }
  showTip(i) {
    const { tip } = this, [picture, words] = tip.children;
    if (i < 0) { tip.style.visibility = "hidden"; return; }
    thumbnail(i, picture);
    const lines = [element("b", `label ${data.classes[data.labels[i]]}`)];
    if (trained) {
      const guess = element("div", `predicted ${data.classes[data.predictions[i]]}, ${(100 * data.confidences[i]).toFixed(1)} %`);
      guess.className = data.predictions[i] === data.labels[i] ? "" : "wrong"; lines.push(guess);
    }
    words.replaceChildren(...lines, element("div", data.files[i]));
    const x = this.px[i], y = this.py[i], w = this.stage.clientWidth, h = this.stage.clientHeight;
    const left = x + 14 + tip.offsetWidth < w ? x + 14 : x - 14 - tip.offsetWidth, top = y + 14 + tip.offsetHeight < h ? y + 14 : y - 14 - tip.offsetHeight;
    tip.style.transform = `translate(${Math.max(4, Math.min(left, w - tip.offsetWidth - 4))}px, ${Math.max(4, top)}px)`;
    tip.style.visibility = "visible";
  }
}
function dot(radius, strength) {  // How much of each pixel of a square a dot covers.
  const reach = Math.ceil(radius), side = 2 * reach + 1, mask = new Float32Array(side * side);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) mask[y * side + x] = strength * Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(x - reach, y - reach)));
  return [mask, side];
}
function numbers(colour) {  // "#rrggbb" or "rgb(r, g, b)" as three numbers
  return colour[0] === "#" ? [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)) : colour.match(/[\d.]+/g).slice(0, 3).map(Number);
}
function focus(i, view = null) { focused = i; for (const each of views) { each.drawFront(); each.showTip(each === view ? i : -1); } }
function selected() {
  const few = [...chosen].slice(0, 60), rest = chosen.size - few.length;
  $("picked").replaceChildren(...few.map(i => { const made = thumbnail(i); made.title = `${data.files[i]} (${data.classes[data.labels[i]]})`; made.onclick = () => focus(i, views[0]); return made; }));
  if (rest > 0) $("picked").append(element("small", `and ${rest.toLocaleString("en")} more`));
  tell(); for (const view of views) view.paint();
}

// ---- Pointer, wheel and keys.

function listen(view) {
  const { canvas, pointers } = view; let moved = false, start = null;
  const at = event => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId); start = at(event); pointers.set(event.pointerId, start); moved = false;
    view.loop = pointers.size === 1 && (lassoing || event.shiftKey) ? [start] : [];
  };
  canvas.onpointermove = event => {
    const point = at(event), before = pointers.get(event.pointerId);
    if (!before) { const i = view.nearest(...point); if (i !== focused || !pointers.size) focus(i, view); return; }
    if (pointers.size === 2) {
      const [[a, b], [c, d]] = pointers.values(); pointers.set(event.pointerId, point); const [[e, f], [g, h]] = pointers.values();
      view.loop = []; moved = true; view.at = { ...view.at, x: view.at.x + (e + g - a - c) / 2, y: view.at.y + (f + h - b - d) / 2 };
      return view.zoom(Math.hypot(e - g, f - h) / (Math.hypot(a - c, b - d) || 1), (e + g) / 2, (f + h) / 2);
    }
    if (!moved && Math.hypot(point[0] - start[0], point[1] - start[1]) < 5) return;
    if (!moved) { moved = true; focus(-1); }
    pointers.set(event.pointerId, point);
    if (view.loop.length) { view.loop.push(point); view.drawFront(); } else view.drag(point[0] - before[0], point[1] - before[1]);
  };
  canvas.onpointerup = canvas.onpointercancel = event => {
    if (!pointers.delete(event.pointerId)) return;
    if (!moved) { if (chosen.size) { chosen.clear(); selected(); } focus(view.nearest(...at(event)), view); }
    else if (view.loop.length > 2) { view.selectLoop(); }
    view.loop = []; view.drawFront();
  };
  canvas.onpointerleave = event => { if (event.pointerType === "mouse" && !pointers.size) focus(-1); };
  canvas.onwheel = event => { event.preventDefault(); view.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 300), ...at(event)); };
  canvas.ondblclick = () => view.fit();
  canvas.onkeydown = event => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, way = arrows[event.key];
    if (way && event.shiftKey) view.drag(-40 * way[0], -40 * way[1]);
    else if (way) { const i = view.next(...way); if (i >= 0) focus(i, view); }
    else if (event.key === "Enter" && focused >= 0) { chosen.delete(focused) || chosen.add(focused); selected(); }
    else if (event.key === "Escape") { chosen.clear(); selected(); focus(-1); }
    else if (event.key === "+" || event.key === "=") view.zoom(1.3);
    else if (event.key === "-") view.zoom(1 / 1.3);
    else if (event.key === "0") view.fit();
    else return;
    event.preventDefault();
  };
}
function dragging(lasso) { lassoing = lasso; $("move").setAttribute("aria-pressed", !lasso); $("lasso").setAttribute("aria-pressed", lasso); root.classList.toggle("lassoing", lasso); }
$("move").onclick = () => dragging(false);
$("lasso").onclick = () => dragging(true);
$("closer").onclick = () => views.forEach(view => view.zoom(1.4));
$("farther").onclick = () => views.forEach(view => view.zoom(1 / 1.4));
$("fit").onclick = () => views.forEach(view => view.fit());
$("colour").onchange = event => {
  grouping = groupings[event.target.value];
  order = [...data.files.keys()];
  if (grouping.onTop) order.sort((i, j) => grouping.of[i] - grouping.of[j]);  // The rare ones above the many.
  legend(); views.forEach(view => view.paint());
};
$("search").oninput = event => { query = event.target.value.trim().toLowerCase(); filter(); };
$("search").onkeydown = event => {
  if (event.key !== "Enter" || !shown) return;
  let i = focused; do i = (i + 1) % count; while (!visible[i]);
  focus(i, views[0]);
};
$("all").onclick = () => { for (const each of Object.values(groupings)) each.hidden.clear(); legend(); filter(); };
$("both").onchange = event => {
  if (event.target.checked) { views.push(new View()); views[1].choose((+views[0].select.value + 1) % data.maps.length); }
  else views.pop().box.remove();
};
$("save").onclick = () => {
  const quote = text => /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const rows = ["file,label,prediction,confidence"];
  for (let i = 0; i < count; i++) {
    if (chosen.size ? !chosen.has(i) : !visible[i]) continue;
    rows.push([quote(data.files[i]), quote(data.classes[data.labels[i]]), trained ? quote(data.classes[data.predictions[i]]) : "", trained ? data.confidences[i] : ""].join(","));
  }
  const link = element("a"); link.href = URL.createObjectURL(new Blob([rows.join("\n") + "\n"], { type: "text/csv" })); link.download = "selection.csv"; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
darkness.onchange = () => { legend(); views.forEach(view => view.paint()); };

const views = [];
views.push(new View());
$("pair").hidden = data.maps.length < 2;
views[0].choose(0); legend(); filter();
})();
