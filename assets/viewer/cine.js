// @ts-check
// Slice after slice, at the rate that the file asks for.
import * as steps from './state.js';

/** @typedef {import('./viewer.js').Viewer} Viewer */

const SECONDS = 0.1; // from frame to frame where the file does not say

export class Cine {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.run = 0;
    this.due = 0;
  }

  /** Goes on until the state says stop. */
  start() {
    const { viewer } = this;
    const { scan } = viewer.state.panes[viewer.state.active];
    const pause = 1000 * (viewer.world.scans[scan].frame_seconds ?? SECONDS);
    const run = ++this.run;
    this.due = performance.now() + pause;
    const tick = (/** @type {number} */ now) => {
      if (!viewer.state.cine || run !== this.run || viewer.ended.signal.aborted) return;
      requestAnimationFrame(tick);
      if (now < this.due) return;
      // A frame that came late does not make the next ones hurry.
      this.due = Math.max(this.due + pause, now);
      this.step();
    };
    requestAnimationFrame(tick);
  }

  /** To the next slice, the first after the last one; waits for one that is not here yet. */
  step() {
    this.viewer.change((state, world) => {
      const plane = steps.planeOf(state, world);
      const next = (steps.sliceOf(state, world) + 1) % plane.depth;
      const here = plane.axis !== 2 || this.viewer.slices[state.panes[state.active].scan].at(next);
      return here ? steps.toSlice(state, world, next) : state;
    });
  }
}
