// @ts-check
// Every step of the viewer by its name, as buttons and keys call it.
import { help } from './keys.js';
import * as steps from './state.js';

/** @typedef {import('./viewer.js').Viewer} Viewer */
/** @typedef {import('./geometry.js').Lay} Lay */

const ZOOM_STEP = 1.25;
const [LEAST_ZOOM, MOST_ZOOM] = [0.2, 40];

/** @param {number} zoom */
export const bounded = (zoom) => Math.min(Math.max(zoom, LEAST_ZOOM), MOST_ZOOM);

/** About the middle of the stage. @param {Lay} lay @param {number} factor @returns {Lay} */
const zoomed = (lay, factor) => {
  const zoom = bounded(lay.zoom * factor);
  const by = zoom / lay.zoom;
  return { ...lay, zoom, pan: [lay.pan[0] * by, lay.pan[1] * by] };
};

/** @param {Viewer} viewer @returns {Record<string, (detail: string) => void>} */
export const commandsOf = (viewer) => {
  const by = (/** @type {number} */ slices) =>
    viewer.change((state, world) => steps.toSlice(state, world, steps.sliceOf(state, world) + slices));
  const lay = (/** @type {(lay: Lay) => Lay} */ step) => viewer.change((state) => steps.withLay(state, step));
  return {
    before: () => by(-1),
    after: () => by(1),
    back: () => by(-10),
    on: () => by(10),
    first: () => by(-Infinity),
    last: () => by(Infinity),
    tool: (tool) => viewer.change((state) => ({ ...state, tool: /** @type {steps.Tool} */ (tool) })),
    preset: (number) => viewer.preset(Number(number)),
    in: () => lay((now) => zoomed(now, ZOOM_STEP)),
    out: () => lay((now) => zoomed(now, 1 / ZOOM_STEP)),
    fit: () => lay((now) => ({ ...now, zoom: 1, pan: [0, 0] })),
    turn: (turn) => viewer.change((state) => steps.turned(state, /** @type {steps.TurnName} */ (turn))),
    invert: () => viewer.change((state) => steps.withShown(state, { inverted: !viewer.shown.inverted })),
    plane: (number) => viewer.change((state, world) => steps.toPlane(state, world, number ? Number(number) : undefined)),
    planes: () => viewer.change((state, world) => steps.laidOut(state, world)),
    link: () => viewer.change(steps.linkSwitched),
    cine: () => viewer.change(steps.cineSwitched),
    reset: () => viewer.change(steps.reset),
    delete: (id) => viewer.measuring.remove(id ? Number(id) : viewer.state.chosen),
    measure: (id) => viewer.change((state, world) => steps.toMeasure(state, world, Number(id))),
    ask: () => viewer.measuring.ask(),
    keys: () => help(viewer.root, viewer.presets),
  };
};
