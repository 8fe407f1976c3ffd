/** @file Points and periods in time as people write them: `2020`, `2020-05`, `2020-05-17`, `2020-05-17T18:30:05Z`. */

/** From `start` up to but not including `end`; an instant to the millisecond where both are a millisecond apart. */
export interface Period {
  start: Date;
  end: Date;
}

const FORM =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?)?)?)?$/i;

/**
 * The period that a text names: a year, a month, a day, a minute, a second or an instant. Without a time zone it is
 * read as UTC, as `taken` is. Undefined for what is no such text, such as the 30th of February.
 */
export function parsePeriod(text: string): Period | undefined {
  const match = FORM.exec(text.trim());
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => (part ? Number(part) : undefined));
  const fraction = match[7] === undefined ? undefined : Math.trunc(Number(`0.${match[7]}`) * 1000 + 1e-6);
  const parts = [
    year!,
    (month ?? 1) - 1,
    day ?? 1,
    hour ?? 0,
    minute ?? 0,
    second ?? 0,
    fraction ?? 0,
  ] as const;
  const start = utc(...parts);
  const [y, mo, d, h, mi, s] = parts;
  const valid =
    start.getUTCFullYear() === y &&
    start.getUTCMonth() === mo &&
    start.getUTCDate() === d &&
    h < 24 &&
    mi < 60 &&
    s < 60;
  if (!valid) return undefined;
  const end =
    month === undefined
      ? utc(y + 1, 0, 1, 0, 0, 0, 0)
      : day === undefined
        ? utc(y, mo + 1, 1, 0, 0, 0, 0)
        : new Date(start.getTime() + span(hour, second, fraction));
  const offset = minutesOf(match[8]);
  if (offset === undefined) return undefined;
  return {
    start: new Date(start.getTime() - offset * 60_000),
    end: new Date(end.getTime() - offset * 60_000),
  };
}

/** Milliseconds that the finest given part stands for. */
function span(hour?: number, second?: number, fraction?: number): number {
  if (fraction !== undefined) return 1;
  if (second !== undefined) return 1000;
  return hour !== undefined ? 60_000 : 86_400_000;
}

function minutesOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (60 * hours + minutes);
}

/** `Date.UTC`, which would take the years 0 to 99 for those of the 20th century. */
function utc(y: number, mo: number, d: number, h: number, mi: number, s: number, ms: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(y, mo, d);
  date.setUTCHours(h, mi, s, ms);
  return date;
}
