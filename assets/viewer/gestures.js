// @ts-check
// Mouse, pen, fingers and wheel on a stage, as steps of the viewer.
import { bounded } from './commands.js';
import { inPlane, voxelAt, zoomedAt } from './geometry.js';
import { isWhole, POINTS } from './measure.js';
import * as steps from './state.js';

/** @typedef {import('./viewer.js').Viewer} Viewer */
/** @typedef {import('./geometry.js').Point} Point */
/** @typedef {import('./measure.js').Kind} Kind */

const NEAR = 10; // CSS pixels within which a point is taken hold of; a finger gets twice that
const WHEEL = 50; // of a smooth wheel's travel for one slice
const SCROLL = 6; // pixels of a drag for one slice, less in a deep stack

export class Gestures {
  /** @param {Viewer} viewer @param {HTMLElement} element @param {number} pane */
  constructor(viewer, element, pane) {
    this.viewer = viewer;
    this.element = element;
    this.pane = pane;
    /** @type {Map<number, Point>} pointers that are down */ this.down = new Map();
    /** @type {((at: Point, event: PointerEvent) => void) | null} */ this.moving = null;
    /** @type {(() => void) | null} */ this.ending = null;
    this.travel = 0;
    const on = { signal: viewer.ended.signal };
    element.addEventListener('pointerdown', (event) => this.press(event), on);
    element.addEventListener('pointermove', (event) => this.move(event), on);
    for (const end of /** @type {const} */ (['pointerup', 'pointercancel'])) element.addEventListener(end, (event) => this.release(event), on);
    element.addEventListener('pointerleave', () => viewer.hover(pane, null), on);
    element.addEventListener('wheel', (event) => this.wheel(event), { ...on, passive: false });
    element.addEventListener('contextmenu', (event) => event.preventDefault(), on);
    element.addEventListener('dblclick', () => viewer.tool === 'pan' || viewer.tool === 'zoom' ? viewer.take('fit') : undefined, on);
    element.addEventListener('focus', () => viewer.activate(pane), on);
  }

  get stage() {
    return this.viewer.stages[this.pane];
  }

  /** @param {MouseEvent} event @returns {Point} CSS pixels from the stage's corner */
  at(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {Point} at @returns {Point} in the plane's pixels */
  place(at) {
    return inPlane(this.stage.matrix, at);
  }

  /** @param {PointerEvent} event */
  press(event) {
    // A button that lies on the picture is pressed, not what is beneath it.
    if (event.target instanceof Element && event.target.closest('button')) return undefined;
    const at = this.at(event);
    this.viewer.activate(this.pane);
    this.down.set(event.pointerId, at);
    try {
      this.element.setPointerCapture(event.pointerId);
    } catch {
      // A pointer that a script made up cannot be captured; its events come all the same.
    }
    if (this.down.size === 2) return this.pinch();
    if (this.down.size > 2) return undefined;
    if (event.button === 1) event.preventDefault();
    if (event.button === 1) return this.pan(at);
    if (event.button === 2) return this.zoom(at);
    return this.tool(at, event.pointerType === 'touch' ? 2 * NEAR : NEAR);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.at(event);
    this.viewer.hover(this.pane, this.place(at));
    if (this.down.has(event.pointerId)) this.down.set(event.pointerId, at);
    if (this.moving) this.moving(at, event);
    else if (this.draft) this.viewer.measuring.grow(this.place(at), false);
  }

  /** @param {PointerEvent} event */
  release(event) {
    this.down.delete(event.pointerId);
    const { ending } = this;
    this.moving = null;
    this.ending = null;
    if (ending) ending();
  }

  /** What is being measured on this stage. */
  get draft() {
    return this.viewer.measuring.on(this.pane);
  }

  /** What a drag with the main button does. @param {Point} at @param {number} near */
  tool(at, near) {
    const { viewer } = this;
    const { tool } = viewer;
    if (this.draft) return this.nextPoint(at);
    viewer.measuring.cancel(); // begun on another stage
    const held = this.held(at, near);
    if (held) return this.hold(held);
    if (tool === 'pan') return this.pan(at);
    if (tool === 'zoom') return this.zoom(at);
    if (tool === 'scroll') return this.scroll(at);
    if (tool === 'cross') return this.cross(at);
    if (tool === 'distance' || tool === 'angle' || tool === 'ellipse' || tool === 'box') return this.begin(tool, at);
    return this.window(at);
  }

  /** @param {Point} from */
  window(from) {
    const { viewer } = this;
    const start = viewer.shown.window;
    const whole = viewer.wholeNumbers;
    this.moving = (at) => viewer.change((state) => steps.toWindow(state, steps.dragged(start, at[0] - from[0], at[1] - from[1], whole)));
  }

  /** @param {Point} from */
  pan(from) {
    const start = this.lay.pan;
    this.moving = (at) => {
      /** @type {Point} */
      const pan = [start[0] + at[0] - from[0], start[1] + at[1] - from[1]];
      this.viewer.change((state) => steps.withLay(state, (lay) => ({ ...lay, pan }), this.pane));
    };
  }

  get lay() {
    return this.viewer.state.panes[this.pane].lay;
  }

  /** Upwards is nearer, as far as the place under the pointer stays. @param {Point} from */
  zoom(from) {
    const start = this.lay;
    this.moving = (at) => this.zoomTo(start, bounded(start.zoom * 2 ** ((from[1] - at[1]) / 120)), from);
  }

  /** @param {import('./geometry.js').Lay} start @param {number} zoom @param {Point} at */
  zoomTo(start, zoom, at) {
    const { width, height } = this.stage;
    const made = zoomedAt(start, zoom, [at[0] - width / 2, at[1] - height / 2]);
    this.viewer.change((state) => steps.withLay(state, (lay) => ({ ...lay, zoom: made.zoom, pan: made.pan }), this.pane));
  }

  /** @param {Point} from */
  scroll(from) {
    const { viewer } = this;
    const start = steps.sliceOf(viewer.state, viewer.world, this.pane);
    const { depth } = steps.planeOf(viewer.state, viewer.world, this.pane);
    const pixels = Math.max(1.5, Math.min(SCROLL, (0.8 * this.stage.height) / depth));
    this.moving = (at) => viewer.change((state, world) => steps.toSlice(state, world, start + Math.trunc((at[1] - from[1]) / pixels), this.pane));
  }

  /** @param {Point} from */
  cross(from) {
    const to = (/** @type {Point} */ at) =>
      this.viewer.change((state, world) => {
        const plane = steps.planeOf(state, world, this.pane);
        return steps.toPoint(state, voxelAt(plane, steps.sliceOf(state, world, this.pane), this.place(at)));
      });
    to(from);
    this.moving = to;
  }

  /** Distance and ellipse are one drag, or two clicks; an angle is a drag and a click. @param {Kind} kind @param {Point} at */
  begin(kind, at) {
    const first = this.place(at);
    const { measuring } = this.viewer;
    measuring.begin({ kind, points: [first, first] }, this.pane);
    this.moving = (to) => measuring.grow(this.place(to), false);
    this.ending = () => {
      const { draft } = this;
      if (!draft) return;
      // A click without a drag leaves the second point to the next click.
      if (!isWhole(draft.points.slice(0, 2), kind === 'angle' ? 'distance' : kind)) return;
      if (POINTS[kind] === 2) measuring.finish();
      else measuring.grow(draft.points[1], true);
    };
  }

  /** @param {Point} at */
  nextPoint(at) {
    const { draft } = this;
    const { measuring } = this.viewer;
    if (!draft) return;
    measuring.grow(this.place(at), false);
    if (draft.points.length < POINTS[draft.kind] && isWhole(draft.points, 'distance')) measuring.grow(this.place(at), true);
    else if (isWhole(draft.points, draft.kind)) measuring.finish();
    else measuring.cancel();
  }

  /** A point of a measurement that lies near. @param {Point} at @param {number} near */
  held(at, near) {
    const [a, b, c, d, e, f] = this.stage.matrix;
    for (const measure of this.viewer.measuring.here(this.pane)) {
      const number = measure.points.findIndex(([x, y]) => Math.hypot(a * x + c * y + e - at[0], b * x + d * y + f - at[1]) <= near);
      if (number >= 0) return { measure, number };
    }
    return null;
  }

  /** @param {{ measure: import('./measure.js').Measure, number: number }} held */
  hold({ measure, number }) {
    const { viewer } = this;
    viewer.change((state) => ({ ...state, chosen: measure.id }));
    this.moving = (at) => {
      const points = measure.points.map((point, n) => (n === number ? this.place(at) : point));
      if (isWhole(points, measure.kind)) viewer.measuring.move(measure, points, this.pane);
    };
  }

  /** Two fingers: they hold on to what is under them. */
  pinch() {
    this.viewer.measuring.cancel();
    const fingers = () => [...this.down.values()];
    const apart = ([one, two] = fingers()) => Math.hypot(one[0] - two[0], one[1] - two[1]) || 1;
    /** @returns {Point} */
    const middle = ([one, two] = fingers()) => [(one[0] + two[0]) / 2, (one[1] + two[1]) / 2];
    const start = { lay: this.lay, apart: apart(), middle: middle() };
    this.ending = null;
    this.moving = () => {
      if (this.down.size !== 2) return;
      const now = middle();
      /** @type {Point} */
      const pan = [start.lay.pan[0] + now[0] - start.middle[0], start.lay.pan[1] + now[1] - start.middle[1]];
      this.zoomTo({ ...start.lay, pan }, bounded((start.lay.zoom * apart()) / start.apart), now);
    };
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const { viewer } = this;
    event.preventDefault();
    viewer.activate(this.pane);
    const deep = steps.planeOf(viewer.state, viewer.world, this.pane).depth > 1;
    if (event.ctrlKey || !deep) {
      const lines = event.deltaMode ? event.deltaY * 20 : event.deltaY;
      return this.zoomTo(this.lay, bounded(this.lay.zoom * 2 ** (-lines / 300)), this.at(event));
    }
    // A wheel that clicks sends a large number or lines; a smooth one many small numbers.
    this.travel += event.deltaMode || Math.abs(event.deltaY) >= WHEEL ? Math.sign(event.deltaY) * WHEEL : event.deltaY;
    const slices = Math.trunc(this.travel / WHEEL);
    this.travel -= slices * WHEEL;
    if (slices) viewer.change((state, world) => steps.toSlice(state, world, steps.sliceOf(state, world, this.pane) + slices, this.pane));
  }
}
