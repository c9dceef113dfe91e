// @ts-check
// What is drawn over a picture: measurements with their numbers, the crosshair, the scale bar.
import { fitted, onScreen, voxelIn } from './geometry.js';
import { isRegion, lines, roundLength, short } from './measure.js';
import { planeOf, sliceOf } from './state.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').World} World */
/** @typedef {import('./geometry.js').Point} Point */
/** @typedef {import('./geometry.js').Matrix} Matrix */
/** @typedef {{ kind: import('./measure.js').Kind, points: Point[] }} Draft a measurement that is being drawn */

const INK = { line: '#7fe0d4', chosen: '#ffd166', draft: '#ffd166', halo: 'rgb(0 0 0 / .75)', plate: 'rgb(10 12 13 / .55)', cross: '#e39ac4', scale: '#d5dde1' };
export const LINE = 16;
const LABEL = '12px system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';

export class Marks {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.width = 0;
    this.height = 0;
    /** @type {Matrix} */ this.matrix = [1, 0, 0, 1, 0, 0];
    /** @type {[number, number, number, number][]} where labels already are: left, top, right, bottom */ this.taken = [];
  }

  /**
   * @param {State} state @param {World} world @param {number} pane
   * @param {Draft | null} draft what is being measured here
   * @param {Matrix} matrix from the plane's pixels to CSS pixels
   * @param {number} width of the stage in CSS pixels
   * @param {number} height
   */
  draw(state, world, pane, draft, matrix, width, height) {
    [this.matrix, this.width, this.height] = [matrix, width, height];
    const { pen, canvas } = this;
    const dense = canvas.width / this.width;
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = LABEL;
    pen.textBaseline = 'middle';
    this.taken = [];
    const plane = planeOf(state, world, pane);
    const { scan } = state.panes[pane];
    const { unit } = world.scans[scan];
    if (state.tool === 'cross' || (state.panes.length > 1 && world.scans.length === 1)) this.cross(voxelIn(plane, state.shown[scan].point));
    for (const one of state.shown[scan].measures) {
      if (one.axis !== plane.axis || one.slice !== sliceOf(state, world, pane)) continue;
      const ink = one.id === state.chosen ? INK.chosen : INK.line;
      this.measure(one.kind, one.points, lines(one.kind, one.found, unit), ink, one.id === state.chosen);
    }
    if (draft) this.measure(draft.kind, draft.points, [], INK.draft, false);
    this.scale(plane, state.panes[pane].lay);
  }

  /** @param {() => void} path @param {string} ink @param {number} [wide] */
  stroke(path, ink, wide = 1.5) {
    const { pen } = this;
    for (const [style, width] of /** @type {[string, number][]} */ ([[INK.halo, wide < 1.5 ? wide + 1 : wide + 2.5], [ink, wide]])) {
      pen.beginPath();
      path();
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.stroke();
    }
  }

  /** @param {import('./measure.js').Kind} kind @param {Point[]} points @param {string[]} says @param {string} ink @param {boolean} handles */
  measure(kind, points, says, ink, handles) {
    const { pen } = this;
    const seen = points.map((point) => onScreen(this.matrix, point));
    if (isRegion(kind) && seen.length === 2) this.stroke(() => this[kind === 'box' ? 'box' : 'ellipse'](points[0], points[1]), ink);
    else this.stroke(() => seen.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y))), ink);
    for (const [x, y] of seen) {
      if (handles || kind === 'distance') this.stroke(() => pen.arc(x, y, handles ? 4 : 2.5, 0, 2 * Math.PI), ink, 1.5);
    }
    // Of a region at its upper right corner: below it is the way to ask about it.
    const corner = isRegion(kind) ? [/** @type {Point} */ ([Math.max(...seen.map(([x]) => x)), Math.min(...seen.map(([, y]) => y))])] : seen;
    this.label(says, corner, ink);
  }

  /** As a path in CSS pixels, whatever the turn and scale. @param {Point} from @param {Point} to */
  ellipse(from, to) {
    for (let n = 0; n <= 64; n++) {
      const angle = (n * Math.PI) / 32;
      const x = (from[0] + to[0]) / 2 + ((to[0] - from[0]) / 2) * Math.cos(angle);
      const y = (from[1] + to[1]) / 2 + ((to[1] - from[1]) / 2) * Math.sin(angle);
      const [left, top] = onScreen(this.matrix, [x, y]);
      if (n) this.pen.lineTo(left, top);
      else this.pen.moveTo(left, top);
    }
  }

  /** @param {Point} from @param {Point} to */
  box(from, to) {
    /** @type {Point[]} */
    const corners = [from, [to[0], from[1]], to, [from[0], to[1]]];
    corners.forEach((corner, n) => this.pen[n ? 'lineTo' : 'moveTo'](...onScreen(this.matrix, corner)));
    this.pen.closePath();
  }

  /** Beside the point farthest to the right, kept on the stage and off other labels. @param {string[]} says @param {Point[]} seen @param {string} ink */
  label(says, seen, ink) {
    if (!says.length || !seen.length) return;
    const { pen } = this;
    const [x, y] = seen.reduce((best, point) => (point[0] > best[0] ? point : best));
    const wide = Math.max(...says.map((line) => pen.measureText(line).width));
    const high = LINE * says.length;
    const left = Math.max(4, Math.min(x + 10, this.width - wide - 8));
    const top = this.free(left, wide, high, Math.max(12, Math.min(y, this.height - high)));
    this.taken.push([left, top, left + wide, top + high]);
    // A plate: on a white background an outline alone leaves thin letters.
    pen.fillStyle = INK.plate;
    pen.fillRect(left - 4, top - LINE / 2, wide + 8, high);
    pen.lineJoin = 'round';
    says.forEach((line, n) => {
      pen.strokeStyle = INK.halo;
      pen.lineWidth = 4;
      pen.strokeText(line, left, top + LINE * n);
      pen.fillStyle = ink;
      pen.fillText(line, left, top + LINE * n);
    });
  }

  /** The nearest top at which nothing is written yet. @param {number} left @param {number} wide @param {number} high @param {number} top */
  free(left, wide, high, top) {
    const blocked = (/** @type {number} */ at) =>
      this.taken.some(([l, t, r, b]) => left < r && l < left + wide && at < b && t < at + high);
    for (let away = 0; away < this.height; away += 4) {
      for (const at of [top + away, top - away]) if (at >= 12 && at + high <= this.height && !blocked(at)) return at;
    }
    return top;
  }

  /** Lines through the point looked at, open in the middle. @param {Point} point in the plane */
  cross(point) {
    const { pen } = this;
    const [x, y] = onScreen(this.matrix, point);
    const gap = 9;
    this.stroke(() => {
      pen.moveTo(0, y);
      pen.lineTo(x - gap, y);
      pen.moveTo(x + gap, y);
      pen.lineTo(this.width, y);
      pen.moveTo(x, 0);
      pen.lineTo(x, y - gap);
      pen.moveTo(x, y + gap);
      pen.lineTo(x, this.height);
    }, INK.cross, 1);
  }

  /** @param {import('./geometry.js').Plane} plane @param {import('./geometry.js').Lay} lay */
  scale(plane, lay) {
    const scale = fitted(plane, lay, this.width, this.height) * lay.zoom;
    const room = this.width >= 240 && this.height >= 200;
    const length = plane.calibrated && room ? roundLength(scale, Math.min(120, this.width / 3)) : 0;
    if (!length) return;
    const { pen } = this;
    const wide = length * scale;
    const [right, bottom] = [this.width - 12, this.height - 48];
    this.stroke(() => {
      pen.moveTo(right - wide, bottom - 5);
      pen.lineTo(right - wide, bottom);
      pen.lineTo(right, bottom);
      pen.lineTo(right, bottom - 5);
    }, INK.scale, 1.5);
    const says = length >= 10 ? `${short(length / 10)} cm` : `${short(length)} mm`;
    this.label([says], [[right - wide / 2 - pen.measureText(says).width / 2 - 10, bottom - 12]], INK.scale);
  }
}
