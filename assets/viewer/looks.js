// @ts-check
// What the server is told of the view (`look_of` in `medvlm/page/viewing.py` reads it), and how scans are left behind.
import { paneOf, planeOf, sliceOf } from './state.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').World} World */
/** @typedef {import('./state.js').Left} Left */

/** One part of the screen, with every measurement; empty where nothing is shown. @param {State} state @param {World} world @param {number} pane */
export const lookAt = (state, world, pane) => {
  if (!world.scans.length) return {};
  const { scan, lay } = state.panes[pane];
  const plane = planeOf(state, world, pane);
  const { window, inverted } = state.shown[scan];
  const slice = sliceOf(state, world, pane);
  return { token: world.scans[scan].token, scan, plane: plane.name, axis: plane.axis, slice, window, inverted, turn: lay.turn, measures: measuresOf(state, world) };
};

/** Every measurement, as data; pixel centres are whole numbers there. @param {State} state @param {World} world */
const measuresOf = (state, world) =>
  state.shown.flatMap((shown, scan) =>
    shown.measures.map(({ id, kind, axis, slice, points, found }) => ({
      id, token: world.scans[scan].token, kind, axis, slice,
      points: points.map(([x, y]) => [x - 0.5, y - 0.5]),
      ...found,
    })),
  );

/** Of all scans on the screen, the one that is looked at last. @param {State} state @param {World} world */
export const looksAt = (state, world) => {
  if (!world.scans.length) return [];
  const { scan } = state.panes[state.active];
  const others = world.scans.flatMap((_, n) => (n === scan ? [] : [lookAt(state, world, paneOf(state, n))]));
  return [...others, lookAt(state, world, state.active)];
};

/** Of scans that are on the screen no more. @param {World} world @param {Map<string, Left>} left by token */
export const leftBehind = (world, left) => {
  const now = new Set(world.scans.map((scan) => scan.token));
  return [...left].flatMap(([token, one]) => (now.has(token) ? [] : [one.look]));
};

/** How each scan on the screen is shown now, by its token. @param {State} state @param {World} world @returns {Map<string, Left>} */
export const leaving = (state, world) =>
  new Map(
    world.scans.map(({ token }, scan) => {
      const pane = paneOf(state, scan);
      const { plane, lay } = state.panes[pane];
      return [token, { shown: state.shown[scan], plane, lay, look: lookAt(state, world, pane) }];
    }),
  );
