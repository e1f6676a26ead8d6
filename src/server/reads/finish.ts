import { idDigits } from '../../core/ids.ts';
import type { OperationContext } from '../operationContext.ts';
import { isNull, type Leaf } from './leaf.ts';
import { Unplanned } from './unplanned.ts';

/** How the columns of a leaf are called in a statement, where no alias of a selection has a `~`. */
export const leafKey = (leaf: number): string => `~${leaf}`;
export const nextKey = '~';

const quote = 34;
const comma = 44;
const colon = 58;
const backslash = 92;
const zero = 48;

/**
 * The database's JSON with its leaves printed: everything between them stays as it came. A mark is a key of `~` and a
 * number, `"~12":`. No text of a row can look like one, since a quotation mark in it follows a backslash.
 */
export function finish(text: string, leaves: readonly Leaf[], ctx: OperationContext): string {
  if (leaves.length === 0) return text;
  const bytes = bytesOf(text);
  let finished = '';
  let copied = 0;
  for (let at = text.indexOf('~'); at >= 0; at = text.indexOf('~', at + 1)) {
    let end = at + 1;
    let number = 0;
    for (
      let digit = text.charCodeAt(end) - zero;
      digit >= 0 && digit <= 9;
      digit = text.charCodeAt(++end) - zero
    )
      number = number * 10 + digit;
    if (end === at + 1 || text.charCodeAt(end) !== quote || text.charCodeAt(end + 1) !== colon) continue;
    const leaf = leaves[number] as Leaf;
    let start = end + 2;
    if (leaf.kind === 'close') {
      // In the place of `,"~12":0`
      finished += text.slice(copied, at - 2);
      finished += leaf.before;
      copied = start + 1;
      at = start;
      continue;
    }
    finished += text.slice(copied, at - 1);
    finished += leaf.before;
    if (leaf.kind === 'open') {
      copied = start;
      at = start - 1;
      continue;
    }
    if (leaf.kind === 'id' && !isNull(text, start)) {
      finished += idDigits(bytes, start + 1);
      // With the uuid's own quotation mark the text goes on.
      copied = start + 37;
      at = copied;
      continue;
    }
    end = tokenEnd(text, start);
    if (leaf.kind === 'token') finished += leaf.print(text, start, end, ctx);
    else if (leaf.kind === 'id') throw new Unplanned('a row without an id');
    else {
      const tokens = [text.slice(start, end)];
      while (tokens.length < leaf.columns) {
        start = end + 5; // ,"~":
        end = tokenEnd(text, start);
        tokens.push(text.slice(start, end));
      }
      finished += leaf.print(tokens, ctx);
    }
    copied = end;
    at = end - 1;
  }
  return copied === 0 ? text : finished + text.slice(copied);
}

const kept = 1 << 20;
let spare = Buffer.allocUnsafeSlow(1 << 16);

/** A byte for each character, in a place that serves the next text too; right for ASCII, of which ids are made. */
function bytesOf(text: string): Uint8Array {
  if (text.length > kept) return Buffer.from(text, 'latin1');
  if (text.length > spare.length) spare = Buffer.allocUnsafeSlow(text.length * 2);
  spare.write(text, 'latin1');
  return spare;
}

/** Where the value that begins here ends: a text, a number, a boolean or null. */
function tokenEnd(text: string, start: number): number {
  if (text.charCodeAt(start) !== quote) {
    for (let at = start; ; at++) {
      const code = text.charCodeAt(at);
      if (code === comma || code === 125 || code === 93 || Number.isNaN(code)) return at;
    }
  }
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}
