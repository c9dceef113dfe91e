// @ts-check
// What is measured on a slice: distances, angles, and the numbers inside an ellipse or a box.
import { inMm } from './geometry.js';

/** @typedef {import('./geometry.js').Plane} Plane */
/** @typedef {import('./geometry.js').Point} Point */
/** @typedef {import('./grey.js').Picture} Picture */
/** @typedef {'distance' | 'angle' | 'ellipse' | 'box'} Kind */
/** Points are in the plane's pixels; the first pixel spans 0..1. Of an angle the second point is its corner, of an
 * ellipse they are opposite corners of the box around it, of a box its own.
 * @typedef {{ id: number, kind: Kind, axis: 0 | 1 | 2, slice: number, points: Point[], found: Found }} Measure */
/** @typedef {{ value: number, unit: string, mean?: number, deviation?: number, least?: number, most?: number, pixels?: number }} Found */

/** @type {Record<Kind, number>} */
export const POINTS = { distance: 2, angle: 3, ellipse: 2, box: 2 };

/** Whether it encloses a part of the picture. @param {Kind} kind */
export const isRegion = (kind) => kind === 'ellipse' || kind === 'box';

/** @param {Point} from @param {Point} to @returns {Point} */
const way = (from, to) => [to[0] - from[0], to[1] - from[1]];

/** In mm, or in pixels where the plane has no scale. @param {Plane} plane @param {Point} from @param {Point} to */
export const distance = (plane, from, to) => Math.hypot(...inMm(plane, way(from, to)));

/** At `corner`, in degrees, 0 to 180; 0 where two points coincide. @param {Plane} plane @param {Point} one @param {Point} corner @param {Point} other */
export const angle = (plane, one, corner, other) => {
  const u = inMm(plane, way(corner, one));
  const v = inMm(plane, way(corner, other));
  if (!Math.hypot(...u) || !Math.hypot(...v)) return 0;
  return (Math.atan2(Math.abs(u[0] * v[1] - u[1] * v[0]), u[0] * v[0] + u[1] * v[1]) * 180) / Math.PI;
};

/** In mm², or in pixels where the plane has no scale. @param {Kind} kind @param {Plane} plane @param {Point} from @param {Point} to */
export const area = (kind, plane, from, to) => {
  const [x, y] = way(from, to);
  return (kind === 'ellipse' ? Math.PI / 4 : 1) * Math.abs(x * y) * plane.metric[0] * plane.metric[2];
};

/**
 * Mean, standard deviation (of all pixels, not an estimate), extremes and count of the pixels whose centre lies inside.
 * @param {Picture} picture @param {Point} from @param {Point} to @param {Kind} [kind]
 */
export const inside = ({ data, columns, rows, samples }, from, to, kind = 'ellipse') => {
  const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  const radius = [Math.abs(to[0] - from[0]) / 2, Math.abs(to[1] - from[1]) / 2];
  if (samples !== 1 || !radius[0] || !radius[1]) return null;
  let [count, sum, squares, least, most] = [0, 0, 0, Infinity, -Infinity];
  // Squares are taken from a number nearby, lest a large offset swallows the spread.
  const [nearX, nearY] = [middle[0], middle[1]].map(Math.floor);
  const near = nearX >= 0 && nearX < columns && nearY >= 0 && nearY < rows ? data[nearY * columns + nearX] : 0;
  const bottom = Math.min(rows - 1, Math.floor(middle[1] + radius[1]));
  for (let y = Math.max(0, Math.floor(middle[1] - radius[1])); y <= bottom; y++) {
    const part = 1 - ((y + 0.5 - middle[1]) / radius[1]) ** 2;
    if (part < 0) continue;
    const half = kind === 'box' ? radius[0] : radius[0] * Math.sqrt(part);
    const right = Math.min(columns - 1, Math.floor(middle[0] + half - 0.5));
    for (let x = Math.max(0, Math.ceil(middle[0] - half - 0.5)); x <= right; x++) {
      const value = data[y * columns + x] - near;
      count += 1;
      sum += value;
      squares += value * value;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  if (!count) return null;
  const mean = sum / count;
  const deviation = Math.sqrt(Math.max(squares / count - mean * mean, 0));
  return { mean: mean + near, deviation, least: least + near, most: most + near, pixels: count };
};

/**
 * What a finished or growing measurement says.
 * @param {Kind} kind @param {Point[]} points @param {Plane} plane @param {Picture | null} picture
 * @returns {Found}
 */
export const found = (kind, points, plane, picture) => {
  const unit = plane.calibrated ? 'mm' : 'px';
  const [one, two, three] = points;
  if (kind === 'distance') return { value: distance(plane, one, two ?? one), unit };
  if (kind === 'angle') return { value: three ? angle(plane, one, two, three) : 0, unit: '°' };
  const numbers = picture && two ? inside(picture, one, two, kind) : null;
  return { value: area(kind, plane, one, two ?? one), unit: `${unit}²`, ...(numbers ?? {}) };
};

/** Whether there is anything to keep: no two points in one place. @param {Point[]} points @param {Kind} kind */
export const isWhole = (points, kind) => {
  if (points.length < POINTS[kind]) return false;
  const apart = (/** @type {Point} */ a, /** @type {Point} */ b) => Math.hypot(...way(a, b)) > 0.05;
  const [one, two, three] = points;
  if (isRegion(kind)) return Math.abs(one[0] - two[0]) > 0.05 && Math.abs(one[1] - two[1]) > 0.05;
  return apart(one, two) && (!three || apart(two, three));
};

/** Not a full stop more than the numbers carry. @param {number} value */
export const short = (value) => {
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 || Number.isInteger(value) ? 0 : size >= 1 ? 1 : size >= 0.01 ? 2 : 4).replace('-', '−');
};

/** @type {Record<Kind, string>} */
export const KIND_NAMES = { distance: 'Distance', angle: 'Angle', ellipse: 'Ellipse', box: 'Box' };

/** Lines beside a measurement: "50.0 mm"; "Mean 42.1 HU", "SD 8.3". @param {Kind} kind @param {Found} what @param {string} unit of the pixels */
export const lines = (kind, what, unit) => {
  const of = unit ? ` ${unit}` : '';
  if (!isRegion(kind)) return [what.unit === '°' ? `${what.value.toFixed(1)}°` : `${what.value.toFixed(1)} ${what.unit}`];
  const size = `Area ${short(what.value)} ${what.unit}`;
  if (what.mean === undefined || what.deviation === undefined) return [size];
  return [`Mean ${short(what.mean)}${of}`, `SD ${short(what.deviation)}${of}`, size];
};

/** In one line, for the list: "Ellipse −159.8 ± 378.3 HU". @param {Kind} kind @param {Found} what @param {string} unit of the pixels */
export const brief = (kind, what, unit) =>
  what.mean === undefined || what.deviation === undefined
    ? `${KIND_NAMES[kind]} ${lines(kind, what, unit).join(' · ')}`
    : `${KIND_NAMES[kind]} ${short(what.mean)} ± ${short(what.deviation)}${unit ? ` ${unit}` : ''} · ${short(what.value)} ${what.unit}`;

const NICE = [1, 2, 5];
/**
 * The longest round length that fits into `most` CSS pixels, for the scale bar.
 * @param {number} scale CSS pixels for a mm or a pixel
 * @param {number} most
 */
export const roundLength = (scale, most) => {
  if (!(scale > 0) || !Number.isFinite(scale)) return 0;
  const power = 10 ** Math.floor(Math.log10(most / scale));
  return power * (NICE.filter((digit) => digit * power * scale <= most).pop() ?? 1);
};
