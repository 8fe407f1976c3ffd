/**
 * @file What a camera wrote about a picture: time, place, maker and orientation (EXIF 2.32, CIPA DC-008). Damaged
 * data never throws; what cannot be understood is left out.
 */
import { exifBlock } from './exif-block.js';
import { TiffDirectory } from './tiff-directory.js';

/** What {@link readExif} finds; what the file does not say, or not plausibly, is left out. */
export interface Exif {
  /** When the picture was taken, to the millisecond; a clock without a time zone is read as UTC. */
  taken?: Date;
  /** Maker and model, without naming the maker twice. */
  camera?: string;
  /** Degrees, north positive, −90..90. */
  latitude?: number;
  /** Degrees, east positive, −180..180. */
  longitude?: number;
  /** 1 to 8. */
  orientation?: number;
}

const TAG = {
  make: 0x010f,
  model: 0x0110,
  orientation: 0x0112,
  time: 0x0132,
  exif: 0x8769,
  gps: 0x8825,
  timeOriginal: 0x9003,
  offset: 0x9010,
  offsetOriginal: 0x9011,
  subSecond: 0x9290,
  subSecondOriginal: 0x9291,
} as const;

/** Reads the EXIF of a JPEG, PNG, WebP, TIFF, HEIC or AVIF file; nothing is found in other formats. Never throws. */
export function readExif(bytes: Uint8Array): Exif {
  const block = exifBlock(bytes);
  const main = block && TiffDirectory.first(block);
  if (main === undefined) return {};
  const detail = main.sub(TAG.exif);
  const taken =
    instant(
      detail?.text(TAG.timeOriginal),
      detail?.text(TAG.offsetOriginal),
      detail?.text(TAG.subSecondOriginal),
    ) ?? instant(main.text(TAG.time), detail?.text(TAG.offset), detail?.text(TAG.subSecond));
  const camera = cameraName(main.text(TAG.make), main.text(TAG.model));
  const orientation = main.numbers(TAG.orientation)?.[0];
  return {
    ...(taken === undefined ? {} : { taken }),
    ...(camera === undefined ? {} : { camera }),
    ...place(main.sub(TAG.gps)),
    ...(orientation !== undefined && orientation >= 1 && orientation <= 8 ? { orientation } : {}),
  };
}

/** `2019:07:31 18:05:09` (some write `-` or `/` for the first colons) with `+02:00` and `345` (of a second). */
function instant(
  time: string | undefined,
  offset: string | undefined,
  subSecond: string | undefined,
): Date | undefined {
  const match = /^(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?/.exec(time ?? '');
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  if (year! < 1 || month! < 1 || month! > 12 || day! < 1 || hour! > 24 || minute! > 59 || second! > 60)
    return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day!);
  if (date.getUTCMonth() !== month! - 1) return undefined; // the 31st of June
  const fraction = /^\d+/.exec(subSecond ?? '')?.[0];
  const milliseconds = fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1000);
  date.setUTCHours(hour!, minute!, second!, milliseconds);
  const zone = /^([+-])(\d\d):?(\d\d)$/.exec(offset ?? '');
  const ahead = zone === null ? 0 : (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]));
  return new Date(date.getTime() - ahead * 60_000);
}

function cameraName(make: string | undefined, model: string | undefined): string | undefined {
  if (make === undefined || model === undefined) return model ?? make;
  // "NIKON CORPORATION" makes the "NIKON D70": the first word of the maker is enough to know it again.
  const [first = ''] = make.toLowerCase().split(/\s+/);
  return model.toLowerCase().startsWith(first) ? model : `${make} ${model}`;
}

/** Both coordinates or none. */
function place(gps: TiffDirectory | undefined): Pick<Exif, 'latitude' | 'longitude'> {
  const latitude = degrees(gps?.numbers(2), gps?.text(1), 'S', 90);
  const longitude = degrees(gps?.numbers(4), gps?.text(3), 'W', 180);
  return latitude === undefined || longitude === undefined ? {} : { latitude, longitude };
}

/** Degrees, minutes and seconds; the last two may be missing. */
function degrees(
  parts: number[] | undefined,
  reference: string | undefined,
  negative: 'S' | 'W',
  most: number,
): number | undefined {
  const [whole, minutes = 0, seconds = 0] = parts ?? [];
  if (whole === undefined) return undefined;
  const value = whole + minutes / 60 + (Number.isNaN(seconds) ? 0 : seconds) / 3600;
  if (!(Math.abs(value) <= most)) return undefined;
  return reference?.toUpperCase().startsWith(negative) ? -value : value;
}
