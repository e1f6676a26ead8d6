import type { Prisma } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { nationalDigits } from '../../core/phone.ts';

/** What names, search and order are made of. */
export interface Searchable {
  firstName: string | null;
  lastName: string | null;
  companyName: string | null;
  email: string | null;
  phone: string | null;
}

/** Refuses a customer whom nothing names: nobody could find or tell them apart. */
export function checkNamed({ firstName, lastName, companyName, email, phone }: Searchable): void {
  if (firstName || lastName || companyName || email || phone) return;
  throw new InvalidInput([
    { path: '', message: 'Give at least one of firstName, lastName, companyName, email and phone.' },
  ]);
}

/** Letters that Unicode does not take apart, as people type them without the key. */
const plain: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  þ: 'th',
  ς: 'σ',
};

/** Lower case without accents: `Łukasz Ångström` is found by `lukasz` and `angstrom`. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßæœøłđðħıþς]/g, (letter) => plain[letter] as string);
}

/** The columns that lists by name and search read; kept by every verb that writes a customer. */
export function searchColumns(customer: Searchable): { sortName: string; searchText: string } {
  const { firstName, lastName, companyName, email, phone } = customer;
  const name = [lastName, firstName].filter(Boolean).join(' ');
  const words = [
    firstName,
    lastName,
    companyName,
    email,
    email?.split('@')[1],
    phone?.slice(1),
    phone && nationalDigits(phone),
  ];
  return {
    sortName: fold(name || companyName || email || phone || ''),
    searchText: words
      .filter((word) => word)
      .map(
        (word) =>
          ` ${fold(word as string)
            .trim()
            .replace(/\s+/g, ' ')}`,
      )
      .join(''),
  };
}

const maxWords = 6;
const maxText = 200;
/** As many letters of a word as `customer_word` holds. */
const maxWord = 64;

/** What begins with a text, in the order of bytes: no text comes after the highest letter of Unicode. */
export interface Beginning {
  gte: string;
  lt: string;
}

/**
 * What the text asks for: each word of one of these lists must begin a word of the name, e-mail address or phone
 * number. None for a text without words, which asks for nothing.
 */
export function searchedWords(text: string): Beginning[][] {
  const begins = (word: string) => {
    const known = [...word].slice(0, maxWord).join('');
    return { gte: known, lt: `${known}\u{10ffff}` };
  };
  const asked = text.slice(0, maxText);
  const words = fold(asked)
    .split(/[\s\0]+/)
    .filter(Boolean)
    .slice(0, maxWords)
    .map(begins);
  const number = phoneDigits(asked);
  return [...(words.length > 0 ? [words] : []), ...(number ? [[begins(number)]] : [])];
}

/** Customers with a word that begins so. */
export const withWord = (word: Beginning): Prisma.CustomerWhereInput => ({ words: { some: { word } } });

/** Rows that the text asks for. */
export function searchWhere(text: string): Prisma.CustomerWhereInput {
  const ways = searchedWords(text).map((words) => ({ AND: words.map(withWord) }));
  return ways.length > 1 ? { OR: ways } : (ways[0] ?? {});
}

/** The digits of what may be a phone number, without the zeros and the (0) that are dialled in front; null for other texts. */
function phoneDigits(text: string): string | null {
  if (!/^[\d\s()+/.-]+$/.test(text)) return null;
  const digits = text.replace('(0)', '').replace(/\D/g, '');
  return digits.length < 3 ? null : digits.replace(/^0+/, '') || null;
}
