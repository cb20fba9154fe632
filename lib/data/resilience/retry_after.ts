/** The field Retry-After: what it asks for, and how it is written. */

/** Longer ones are not told apart. */
const longestMs = 365 * 86_400_000;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const month = `(?<month>${months.join("|")})`;
const time = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

/** The three spellings that every recipient has to take; the first is the one to write. */
const spellings = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(
    `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`,
  ),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`,
  ),
  // Sun Nov  6 08:49:37 1994
  new RegExp(
    `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`,
  ),
];

/**
 * How long Retry-After asks to wait, from seconds or from a date.
 *
 * Shape: pure; `wallMs` is the present time. Undefined when the text is neither; 0 for a date that has passed.
 * Units: milliseconds; `wallMs` since 1970. Source: RFC 9110 sections 10.2.3 and 5.6.7.
 */
export function parseRetryAfter(text: string, wallMs: number): number | undefined {
  const value = text.trim();
  if (/^\d+$/.test(value)) return Math.min(longestMs, Number(value) * 1000);
  const atMs = parseHttpDate(value, wallMs);
  return atMs === undefined ? undefined : Math.min(longestMs, Math.max(0, atMs - wallMs));
}

/** Whole seconds, at least one, so that nobody comes back before the time. Units: `ms` is milliseconds. */
export function formatRetryAfter(ms: number): string {
  return String(Math.max(1, Math.ceil(Math.min(longestMs, ms) / 1000)));
}

function parseHttpDate(text: string, wallMs: number): number | undefined {
  for (const spelling of spellings) {
    const parts = spelling.exec(text)?.groups;
    if (parts === undefined) continue;
    const digits = parts.year!;
    const year = digits.length === 2 ? wholeYear(Number(digits), wallMs) : Number(digits);
    return instant(year, parts);
  }
  return undefined;
}

/** Two digits name the last such year that lies at most fifty years ahead. */
function wholeYear(digits: number, wallMs: number): number {
  const thisYear = 1970 + Math.floor(wallMs / (365.2425 * 86_400_000));
  const year = thisYear - (thisYear % 100) + digits;
  return year > thisYear + 50 ? year - 100 : year;
}

/** Units: milliseconds since 1970. Undefined when there is no such time. */
function instant(
  year: number,
  parts: Readonly<Record<string, string>>,
): number | undefined {
  const day = Number(parts.day);
  const hour = Number(parts.hour);
  const minute = Number(parts.minute);
  const second = Number(parts.second);
  const index = months.indexOf(parts.month!);
  const isLeap = leapDays(year) > leapDays(year - 1);
  const daysInMonth = daysBeforeMonth[index + 1]! - daysBeforeMonth[index]! +
    (isLeap && index === 1 ? 1 : 0);
  // A leap second is written as 60.
  if (day < 1 || day > daysInMonth || hour > 23 || minute > 59 || second > 60) return undefined;
  const days = (year - 1970) * 365 + leapDays(year - 1) - leapDays(1969) +
    daysBeforeMonth[index]! + (isLeap && index > 1 ? 1 : 0) + day - 1;
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

/** Days that were put in up to the end of a year. */
function leapDays(year: number): number {
  return Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);
}
