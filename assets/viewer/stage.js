// @ts-check
// One part of the screen: a plane of a scan painted on a canvas, and what is written over it.
import { edges, fitted, inPlane, matrix, onScreen, wholeTurn } from './geometry.js';
import { LINE, Marks } from './marks.js';
import { cut, Pyramid } from './pixels.js';
import { planeOf, sliceOf } from './state.js';
import { greyWords, seriesWords } from './words.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').World} World */
/** @typedef {import('./geometry.js').Point} Point */
/** @typedef {import('./grey.js').Picture} Picture */

/** So many pixels are painted at once although part of them is off the screen: then a pan needs no painting. */
const WHOLE = 1 << 20;

/** @type {WeakMap<Picture, Pyramid>} */
const pyramids = new WeakMap();
/** @param {Picture} picture */
const pyramidOf = (picture) => {
  const made = pyramids.get(picture) ?? new Pyramid(picture);
  pyramids.set(picture, made);
  return made;
};

const MARKUP = `
  <canvas class="mv-picture"></canvas><canvas class="mv-marks"></canvas>
  <div class="mv-corner mv-series" aria-hidden="true"></div><div class="mv-corner mv-zoom" aria-hidden="true"></div>
  <div class="mv-corner mv-grey" aria-hidden="true"></div><div class="mv-corner mv-value" aria-hidden="true"></div>
  <b class="mv-edge mv-top" aria-hidden="true"></b><b class="mv-edge mv-right" aria-hidden="true"></b>
  <b class="mv-edge mv-bottom" aria-hidden="true"></b><b class="mv-edge mv-left" aria-hidden="true"></b>
  <button type="button" class="mv-ask" data-step="ask" hidden>Ask about this region</button>
  <p class="mv-wait" hidden></p>`;

/** @param {HTMLElement} place @param {string} text */
const write = (place, text) => {
  if (place.textContent !== text) place.textContent = text;
};

export class Stage {
  /** @param {HTMLElement} element @param {import('./grey.js').Painter} painter */
  constructor(element, painter) {
    element.innerHTML = MARKUP;
    this.element = element;
    this.painter = painter;
    this.canvas = /** @type {HTMLCanvasElement} */ (element.querySelector('.mv-picture'));
    this.marks = /** @type {HTMLCanvasElement} */ (element.querySelector('.mv-marks'));
    this.paint = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d'));
    this.over = new Marks(this.marks);
    this.laid = '';
    /** @type {ImageData | null} */ this.image = null;
    /** @type {Uint32Array} */ this.out = new Uint32Array(0);
    this.painted = '';
    /** @type {{ key: string, cut: ReturnType<typeof cut> }} */ this.last = { key: '', cut: null };
    this.width = 0;
    this.height = 0;
    /** @type {import('./geometry.js').Matrix} */ this.matrix = [1, 0, 0, 1, 0, 0];
    /** @type {Picture | null} */ this.picture = null;
    /** @type {Point | null} */ this.cursor = null;
  }

  /** The picture once all of it is here: numbers of what is missing must not be measured. */
  get complete() {
    return this.last.cut && !this.last.cut.missing.length ? this.picture : null;
  }

  /** Whether a row is not here yet. @param {Point} at in the plane */
  isMissing(at) {
    return this.last.cut !== null && this.last.cut.missing.includes(Math.floor(at[1]));
  }

  /** @param {string} part @returns {HTMLElement} */
  part(part) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`.mv-${part}`));
  }

  /** The stage's size in CSS pixels may have changed, or the screen's density. */
  measure() {
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    const dense = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(this.width * dense), Math.round(this.height * dense)];
    if (this.marks.width !== wide) this.marks.width = wide;
    if (this.marks.height !== high) this.marks.height = high;
  }

  /**
   * @param {State} state @param {World} world @param {number} pane
   * @param {import('./pixels.js').Slices} slices of this pane's scan
   * @param {import('./marks.js').Draft | null} draft what is being measured here
   */
  draw(state, world, pane, slices, draft) {
    if (!this.width || !this.height) return;
    const plane = planeOf(state, world, pane);
    const slice = sliceOf(state, world, pane);
    this.matrix = matrix(plane, state.panes[pane].lay, this.width, this.height);
    // Other planes are cut from all slices, so they change with each that comes.
    const here = plane.axis === 2 ? Boolean(slices.at(slice)) : slices.here;
    const key = [here, plane.axis, slice, state.panes[pane].scan].join();
    if (key !== this.last.key) this.last = { key, cut: cut(slices, plane, slice) };
    this.drawPicture(state.shown[state.panes[pane].scan], state.panes[pane].scan);
    this.over.draw(state, world, pane, draft, this.matrix, this.width, this.height);
    this.writeWords(state, world, pane);
  }

  /**
   * The canvas holds the picture's own pixels; the browser's compositor scales and turns it, which costs the script
   * nothing: a zoom or a pan paints no pixel.
   * @param {import('./state.js').Shown} shown @param {number} scan
   */
  drawPicture({ window: grey, inverted }, scan) {
    this.picture = this.last.cut ? this.last.cut.picture : null;
    if (this.canvas.hidden !== !this.picture) this.canvas.hidden = !this.picture;
    if (!this.picture) return;
    const [a, b, c, d, e, f] = this.matrix;
    const dense = this.marks.width / this.width;
    const { picture, level } = pyramidOf(this.picture).for(Math.max(Math.hypot(a, b), Math.hypot(c, d)) * dense);
    const step = 2 ** level;
    const part = this.visible(picture, step);
    if (part.right <= part.left || part.bottom <= part.top) return;
    this.fill(picture, part, grey, inverted, `${scan} ${this.last.key} ${level}`);
    const [x, y] = [part.left * step, part.top * step];
    const laid = [a * step, b * step, c * step, d * step, a * x + c * y + e, b * x + d * y + f];
    const style = `matrix(${laid.map((value) => value.toFixed(6)).join()})`;
    if (style !== this.laid) this.canvas.style.transform = style;
    this.laid = style;
  }

  /** The part of a picture that the stage shows; all of a small one. @param {Picture} picture @param {number} step of it in the plane's pixels @returns {import('./grey.js').Part} */
  visible({ columns, rows }, step) {
    if (columns * rows <= WHOLE) return { left: 0, top: 0, right: columns, bottom: rows };
    /** @type {Point[]} */
    const corners = [[0, 0], [this.width, 0], [0, this.height], [this.width, this.height]];
    const seen = corners.map((corner) => inPlane(this.matrix, corner));
    const [x, y] = [0, 1].map((axis) => seen.map((point) => point[axis] / step));
    const within = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.max(value, 0), most);
    return {
      left: within(Math.floor(Math.min(...x)) - 1, columns),
      right: within(Math.ceil(Math.max(...x)) + 1, columns),
      top: within(Math.floor(Math.min(...y)) - 1, rows),
      bottom: within(Math.ceil(Math.max(...y)) + 1, rows),
    };
  }

  /** The buffer holds that part with that window. @param {Picture} picture @param {import('./grey.js').Part} part @param {import('./grey.js').Window} grey @param {boolean} inverted @param {string} which */
  fill(picture, part, grey, inverted, which) {
    const wanted = [which, ...Object.values(part), grey.width, grey.level, grey.function, inverted].join();
    if (wanted === this.painted) return;
    const [wide, high] = [part.right - part.left, part.bottom - part.top];
    if (!this.image || this.image.width !== wide || this.image.height !== high) {
      [this.canvas.width, this.canvas.height] = [wide, high];
      this.image = this.paint.createImageData(wide, high);
      this.out = new Uint32Array(this.image.data.buffer);
    }
    this.painter.paint(picture, grey, inverted, this.out, part);
    this.blank(part);
    this.paint.putImageData(this.image, 0, 0);
    this.painted = wanted;
  }

  /** Rows whose slice is not here yet are no grey at all. @param {import('./grey.js').Part} part */
  blank(part) {
    const wide = part.right - part.left;
    for (const row of this.last.cut ? this.last.cut.missing : []) {
      if (row >= part.top && row < part.bottom) this.out.fill(0, (row - part.top) * wide, (row - part.top + 1) * wide);
    }
  }

  /** A way to ask about an ellipse or a box, below it; null: none is chosen here. @param {import('./measure.js').Measure | null} measure */
  offer(measure) {
    const button = this.part('ask');
    if (button.hidden !== !measure) button.hidden = !measure;
    if (!measure) return;
    const seen = measure.points.map((point) => onScreen(this.matrix, point));
    const [x, y] = [0, 1].map((axis) => seen.map((point) => point[axis]));
    const half = button.offsetWidth / 2 + 4;
    const left = Math.min(Math.max((x[0] + x[1]) / 2, half), this.width - half);
    const below = Math.max(Math.max(...y) + 8, Math.min(...y) + 3 * LINE);
    const top = below + button.offsetHeight + 4 <= this.height ? below : Math.max(4, Math.min(...y) - button.offsetHeight - 8);
    const style = `translate(calc(${left.toFixed(0)}px - 50%), ${top.toFixed(0)}px)`;
    if (button.style.transform !== style) button.style.transform = style;
  }

  /** @param {State} state @param {World} world @param {number} pane */
  writeWords(state, world, pane) {
    const { lay, scan } = state.panes[pane];
    const plane = planeOf(state, world, pane);
    const colour = world.scans[scan].colour;
    write(this.part('series'), seriesWords(state, world, pane).join('\n'));
    write(this.part('grey'), colour && !state.shown[scan].inverted ? '' : greyWords(state, world, pane).join('\n'));
    write(this.part('zoom'), `${this.percent(state, world, pane)} %`);
    const letters = edges(wholeTurn(plane, lay), plane.letters);
    for (const edge of /** @type {const} */ (['top', 'right', 'bottom', 'left'])) {
      write(this.part(edge), letters ? letters[edge] : '');
    }
  }

  /** CSS pixels for 100 of the picture's smaller pixel side. @param {State} state @param {World} world @param {number} pane */
  percent(state, world, pane) {
    const plane = planeOf(state, world, pane);
    const { lay } = state.panes[pane];
    const scale = fitted(plane, lay, this.width || 1, this.height || 1) * lay.zoom;
    return Math.round(100 * scale * Math.min(plane.metric[0], plane.metric[2]));
  }
}
