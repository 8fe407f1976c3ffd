/** @file Distances on the globe, and the circle around a point as a condition on latitude and longitude. */
import { UsageError } from '../errors.js';
import type { Filter } from './filter.js';

/** A circle on the globe. */
export interface Near {
  /** Degrees, north positive, −90..90. */
  latitude: number;
  /** Degrees, east positive, −180..180. */
  longitude: number;
  /** The radius, above 0. */
  kilometres: number;
}

/** Kilometres: the mean radius of the earth (IUGG R₁), taken as a sphere; distances are right to 0.6 %. */
const EARTH = 6371.0088;
const RADIAN = Math.PI / 180;

/** The distance between two points along the great circle, by the haversine formula. */
export function kilometresBetween(
  a: Pick<Near, 'latitude' | 'longitude'>,
  b: Pick<Near, 'latitude' | 'longitude'>,
): number {
  const half = (x: number, y: number) => Math.sin(((y - x) * RADIAN) / 2) ** 2;
  const h =
    half(a.latitude, b.latitude) +
    Math.cos(a.latitude * RADIAN) * Math.cos(b.latitude * RADIAN) * half(a.longitude, b.longitude);
  return 2 * EARTH * Math.asin(Math.sqrt(Math.min(1, h)));
}

/**
 * The box around a circle, as a condition: every point of the circle fulfils it, and some beyond. It is open at the
 * date line, and takes all longitudes where the circle holds a pole.
 * @throws UsageError for what is no point on the globe, or a radius that is not above 0.
 */
export function boxAround({ latitude, longitude, kilometres }: Near): Filter {
  if (!(Math.abs(latitude) <= 90)) throw outside('latitude', '-90 to 90', latitude);
  if (!(Math.abs(longitude) <= 180)) throw outside('longitude', '-180 to 180', longitude);
  if (!(kilometres > 0 && kilometres < Number.POSITIVE_INFINITY))
    throw outside('kilometres', 'a number above 0', kilometres);
  const angle = kilometres / EARTH;
  const slack = 1e-9; // degrees, for rounding
  const south = latitude - angle / RADIAN - slack;
  const north = latitude + angle / RADIAN + slack;
  const rows = within('latitude', Math.max(-90, south), Math.min(90, north));
  if (south <= -90 || north >= 90) return rows;
  // The meridians that touch the circle do so beside it, not at its own latitude.
  const width = Math.asin(Math.sin(angle) / Math.cos(latitude * RADIAN)) / RADIAN + slack;
  const west = longitude - width;
  const east = longitude + width;
  const columns: Filter =
    west >= -180 && east <= 180
      ? within('longitude', west, east)
      : {
          op: 'or',
          filters: [
            within('longitude', west < -180 ? west + 360 : west, 180),
            within('longitude', -180, east > 180 ? east - 360 : east),
          ],
        };
  return { op: 'and', filters: [rows, columns] };
}

function within(column: string, low: number, high: number): Filter {
  return {
    op: 'and',
    filters: [
      { op: '>=', left: { column }, right: { value: low } },
      { op: '<=', left: { column }, right: { value: high } },
    ],
  };
}

function outside(name: string, expected: string, value: number): UsageError {
  return new UsageError(`near: expected ${name} of ${expected} but received ${value}`);
}
