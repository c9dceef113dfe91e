// @ts-check
// What is being measured and what was: begun on one slice, kept there, taken hold of again, asked about.
import { found, isRegion, KIND_NAMES } from './measure.js';
import * as steps from './state.js';

/** @typedef {import('./viewer.js').Viewer} Viewer */
/** @typedef {import('./geometry.js').Point} Point */
/** @typedef {import('./measure.js').Measure} Measure */
/** @typedef {import('./marks.js').Draft} Draft */

export class Measuring {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Draft | null} */ this.draft = null;
    this.pane = 0;
    this.began = '';
  }

  /** What is being measured on a pane. @param {number} pane */
  on(pane) {
    return this.pane === pane ? this.draft : null;
  }

  /** Which slice of what a pane shows. @param {number} pane */
  slice(pane) {
    const { state, world } = this.viewer;
    const shown = state.panes[pane];
    return shown ? [shown.scan, shown.plane, steps.sliceOf(state, world, pane)].join() : '';
  }

  /** @param {Draft} draft @param {number} pane */
  begin(draft, pane) {
    this.draft = draft;
    this.pane = pane;
    this.began = this.slice(pane);
    this.viewer.stir();
  }

  /** Both ends lie on one slice: what was begun is left when another one is shown. */
  stay() {
    if (this.draft && this.slice(this.pane) !== this.began) this.cancel();
  }

  /** The last point of what is being measured moves; `more` starts another one there. @param {Point} at @param {boolean} more */
  grow(at, more) {
    if (!this.draft) return;
    const points = [...this.draft.points];
    points[points.length - 1] = at;
    if (more) points.push(at);
    this.draft.points = points;
    this.viewer.stir();
  }

  finish() {
    if (!this.draft) return;
    const { kind, points } = this.draft;
    this.draft = null;
    const { state, world } = this.viewer;
    const plane = steps.planeOf(state, world, this.pane);
    const slice = steps.sliceOf(state, world, this.pane);
    const { scan } = state.panes[this.pane];
    const what = found(kind, points, plane, this.viewer.stages[this.pane].complete);
    this.viewer.change((now) => steps.measured(now, { kind, axis: plane.axis, slice, points, found: what }, scan));
  }

  cancel() {
    if (this.draft) this.viewer.stir();
    this.draft = null;
  }

  /** The measurements on the slice that a pane shows. @param {number} pane */
  here(pane) {
    const { state, world } = this.viewer;
    const plane = steps.planeOf(state, world, pane);
    const slice = steps.sliceOf(state, world, pane);
    const { measures } = state.shown[state.panes[pane].scan];
    return measures.filter((one) => one.axis === plane.axis && one.slice === slice);
  }

  /** Other points for a measurement, as long as its slice is shown. @param {Measure} measure @param {Point[]} points @param {number} pane */
  move(measure, points, pane) {
    if (!this.here(pane).some((one) => one.id === measure.id)) return;
    const plane = steps.planeOf(this.viewer.state, this.viewer.world, pane);
    const what = found(measure.kind, points, plane, this.viewer.stages[pane].complete);
    this.viewer.change((state) => steps.remeasured(state, measure.id, { points, found: what }));
  }

  /** @param {number | null} id */
  remove(id) {
    if (id !== null) this.viewer.change((now) => steps.unmeasured(now, id));
  }

  /** The chosen ellipse or box that lies on a pane, where it can be asked about. @param {number} pane */
  region(pane) {
    const { outside, state } = this.viewer;
    if (!outside.ask || this.draft) return null;
    return this.here(pane).find((one) => one.id === state.chosen && isRegion(one.kind)) ?? null;
  }

  ask() {
    const { viewer } = this;
    const pane = viewer.stages.findIndex((_, n) => this.region(n));
    const measure = pane < 0 ? null : this.region(pane);
    if (!measure || !viewer.outside.ask) return;
    viewer.activate(pane);
    const { depth } = steps.planeOf(viewer.state, viewer.world, pane);
    const where = depth > 1 ? ` on slice ${measure.slice + 1}` : '';
    viewer.outside.ask({ id: measure.id, words: `the ${KIND_NAMES[measure.kind].toLowerCase()}${where}` });
  }
}
