import Big from 'big.js';
import { DateTime } from 'luxon';
import type { Issue } from '../../core/errors.ts';
import { guest } from './guest.ts';

/**
 * The values of a mapping: how a text comes out of a row. A value is the name of a column, or an object with one
 * transform and what belongs to it; transforms take values, so they nest.
 *
 *     "e-mail"                                                    the column
 *     { "text": "hotel" }                                         always this
 *     { "join": ["city", "street"], "with": ", " }                what is not empty, with " " between unless said otherwise
 *     { "number": "price", "decimal": "," }                       "1.234,50 €" as 1234.50
 *     { "sum": ["adults", "children"] }, { "product": [...] }     exact; nothing counts as 0, a product with nothing is nothing
 *     { "date": "day", "format": "dd/MM/yyyy", "plusDays": "nights" }   tokens as in Luxon; ISO 8601 needs no transform
 *     { "lookup": "state", "in": { "ok": "COMPLETED" }, "otherwise": "PENDING" }   without "otherwise", other texts are refused
 *     { "madeUpGuest": "firstName", "of": "customer" }            or lastName, email: a person where the file has none, one
 *                                                                 for each "of", or else for each row
 */
export type Value = string | { [transform: string]: unknown };

/** A row of the file. */
export interface Row {
  /** From 1, without the header. */
  number: number;
  /** Of the file's content and the number: the row again, whenever the same file comes again. */
  identity: string;
  cells: readonly string[];
}

/** Null when there is nothing. */
export type Read = (row: Row) => string | null;

/** What is in the row cannot be read as the mapping says. */
export class Unreadable extends Error {
  override name = 'Unreadable';
}

/** What the values of one field are read with, and what is learnt on the way. */
export interface Reading {
  header: ReadonlyMap<string, number>;
  /** Texts that mean that there is nothing. */
  empty: ReadonlySet<string>;
  /** What is wrong with the mapping. */
  issues: Issue[];
  /** Columns that are read. */
  columns: Set<string>;
}

type Compile = (given: Record<string, unknown>, path: string, reading: Reading) => Read;

const transforms: Record<string, { options: readonly string[]; compile: Compile }> = {
  text: {
    options: [],
    compile: ({ text }, path, { issues }) => {
      if (typeof text !== 'string') issues.push({ path, message: 'Must be a text.' });
      return () => text as string;
    },
  },
  join: {
    options: ['with'],
    compile: ({ join, with: between = ' ' }, path, reading) => {
      const parts = listOf(join, path, reading);
      if (typeof between !== 'string')
        reading.issues.push({ path: `${path}.with`, message: 'Must be a text.' });
      return (row) =>
        parts
          .map((read) => read(row))
          .filter((part) => part !== null)
          .join(between as string) || null;
    },
  },
  number: {
    options: ['decimal'],
    compile: ({ number, decimal = '.' }, path, reading) => {
      const read = compileValue(number as Value, path, reading);
      if (decimal !== '.' && decimal !== ',')
        reading.issues.push({ path: `${path}.decimal`, message: 'Must be "." or ",".' });
      return (row) => {
        const text = read(row);
        if (text === null) return null;
        const plain = text.replace(/[\p{Sc}\s']/gu, '').replaceAll(decimal === ',' ? '.' : ',', '');
        return big(plain.replace(',', '.')).toFixed();
      };
    },
  },
  sum: {
    options: [],
    compile: ({ sum }, path, reading) => {
      const parts = listOf(sum, path, reading);
      return (row) => parts.reduce((total, read) => total.plus(big(read(row) ?? '0')), big('0')).toFixed();
    },
  },
  product: {
    options: [],
    compile: ({ product }, path, reading) => {
      const parts = listOf(product, path, reading);
      return (row) => {
        const factors = parts.map((read) => read(row));
        if (factors.includes(null)) return null;
        return factors.reduce((total, factor) => total.times(big(factor as string)), big('1')).toFixed();
      };
    },
  },
  date: {
    options: ['format', 'plusDays', 'minusDays'],
    compile: ({ date, format, plusDays, minusDays }, path, reading) => {
      const read = compileValue(date as Value, path, reading);
      if (format !== undefined && typeof format !== 'string')
        reading.issues.push({ path: `${path}.format`, message: 'Must be a format, such as dd/MM/yyyy.' });
      const days = [plusDays, minusDays].map((value, at) =>
        value === undefined
          ? null
          : compileValue(value as Value, `${path}.${at ? 'minusDays' : 'plusDays'}`, reading),
      );
      const known = new Map<string, WrittenDate>();
      return (row) => {
        const text = read(row);
        if (text === null) return null;
        const [plus = 0, minus = 0] = days.map((value) => Number(big(value?.(row) ?? '0')));
        let date = known.get(text);
        if (!date) {
          date = dateOf(text, format as string | undefined);
          if (known.size < maxKnown) known.set(text, date);
        }
        return moved(date, plus - minus);
      };
    },
  },
  lookup: {
    options: ['in', 'otherwise'],
    compile: ({ lookup, in: table, otherwise }, path, reading) => {
      const read = compileValue(lookup as Value, path, reading);
      const entries = isObject(table) ? Object.entries(table) : [];
      if (entries.length === 0 || entries.some(([, to]) => to !== null && typeof to !== 'string'))
        reading.issues.push({ path: `${path}.in`, message: 'Must be an object from text to text.' });
      const known = new Map(entries as [string, string | null][]);
      const rest = otherwise == null ? null : compileValue(otherwise as Value, `${path}.otherwise`, reading);
      return (row) => {
        const text = read(row);
        if (text === null && otherwise === undefined) return null;
        const found = known.get(text ?? '');
        if (found !== undefined) return found;
        if (otherwise === undefined)
          throw new Unreadable(`Must be one of ${[...known.keys()].slice(0, 10).join(', ')}.`);
        return rest?.(row) ?? null;
      };
    },
  },
  madeUpGuest: {
    options: ['of'],
    compile: ({ madeUpGuest: field, of }, path, reading) => {
      if (field !== 'firstName' && field !== 'lastName' && field !== 'email') {
        reading.issues.push({ path, message: 'Must be firstName, lastName or email.' });
        return () => null;
      }
      const whom = of === undefined ? null : compileValue(of, `${path}.of`, reading);
      return (row) => known(whom?.(row) ?? row.identity)[field];
    },
  },
};

/** The fields of one guest are asked for one after the other. */
let last: { of: string; guest: ReturnType<typeof guest> } | null = null;
function known(of: string): ReturnType<typeof guest> {
  if (last?.of !== of) last = { of, guest: guest(of) };
  return last.guest;
}

const maxKnown = 10_000;
const maxNesting = 10;

/** Makes a value readable, or says in `reading.issues` what is wrong with it. */
export function compileValue(value: unknown, path: string, reading: Reading): Read {
  const wrong = (message: string): Read => {
    reading.issues.push({ path, message });
    return () => null;
  };
  if (typeof value === 'string') return column(value, path, reading);
  if (!isObject(value)) return wrong('Must be the name of a column, or an object with a transform.');
  const names = Object.keys(value).filter((name) => Object.hasOwn(transforms, name));
  const [name] = names;
  const transform = name ? transforms[name] : undefined;
  if (!name || !transform || names.length > 1)
    return wrong(`Must have one transform, of ${Object.keys(transforms).join(', ')}.`);
  const foreign = Object.keys(value).find((key) => key !== name && !transform.options.includes(key));
  if (foreign) return wrong(`"${foreign}" does not belong to "${name}".`);
  if (path.split('.').length > maxNesting) return wrong('Transforms nest too deeply.');
  return transform.compile(value, `${path}.${name}`, reading);
}

function column(name: string, path: string, { header, empty, issues, columns }: Reading): Read {
  const at = header.get(name);
  if (at === undefined) {
    const some = [...header.keys()].slice(0, 40).join(', ');
    issues.push({ path, message: `The file has no column "${name}"; it has ${some}.` });
    return () => null;
  }
  columns.add(name);
  return ({ cells }) => {
    const text = cells[at]?.trim() ?? '';
    return text === '' || empty.has(text) ? null : text;
  };
}

function listOf(values: unknown, path: string, reading: Reading): Read[] {
  if (Array.isArray(values) && values.length > 0)
    return values.map((value, at) => compileValue(value, `${path}.${at}`, reading));
  reading.issues.push({ path, message: 'Must be a list of values.' });
  return [];
}

function big(text: string): Big {
  if (!/^[+-]?\d{1,30}(\.\d{1,30})?$/.test(text)) throw new Unreadable('Must be a number.');
  return new Big(text.replace('+', ''));
}

/** A day, a time on no particular clock, or an instant: as much as was read. */
interface WrittenDate {
  /** What the clock shows, as if it were UTC. */
  wallMs: number;
  hasTime: boolean;
  /** `+02:00`; empty when no zone was named. */
  offset: string;
}

function dateOf(text: string, format: string | undefined): WrittenDate {
  const options = { zone: 'utc', setZone: true, locale: 'en' } as const;
  const date = format ? DateTime.fromFormat(text, format, options) : DateTime.fromISO(text, options);
  if (!date.isValid) throw new Unreadable(`Must be a date${format ? ` written as ${format}` : ''}.`);
  const hasZone = format ? /[ZzfF]/.test(format) : /[Zz]|:\d\d[+-]\d\d/.test(text);
  return {
    wallMs: date.toMillis() + date.offset * 60_000,
    hasTime: format ? /[HhmsStTfF]/.test(format) : text.includes(':'),
    offset: hasZone ? date.toFormat('ZZ') : '',
  };
}

const dayMs = 86_400_000;

/** So many days later by the clock, in ISO 8601. */
function moved({ wallMs, hasTime, offset }: WrittenDate, days: number): string {
  const date = new Date(wallMs + days * dayMs);
  if (Number.isNaN(date.getTime())) throw new Unreadable('Must be a date that there is.');
  const iso = date.toISOString();
  return hasTime ? iso.slice(0, -1) + offset : iso.slice(0, 10);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
