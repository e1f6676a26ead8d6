import { nationalDigits } from '../../core/phone.ts';

/** What names, search and order are made of. */
export interface Searchable {
  firstName: string | null;
  lastName: string | null;
  companyName: string | null;
  email: string | null;
  phone: string | null;
}

/** Lower case without accents: `Łukasz Ångström` is found by `angstrom`. */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** The columns that lists by name and search read; kept by every verb that writes a customer. */
export function searchColumns(customer: Searchable): { sortName: string; searchText: string } {
  const { firstName, lastName, companyName, email, phone } = customer;
  const name = [lastName, firstName].filter(Boolean).join(' ');
  const words = [firstName, lastName, companyName, email, email?.split('@')[1], phone && phone.slice(1), phone && nationalDigits(phone)];
  return {
    sortName: fold(name || companyName || email || phone || ''),
    searchText: words
      .filter((word) => word)
      .map((word) => ` ${fold(word as string).trim().replace(/\s+/g, ' ')}`)
      .join(''),
  };
}

const maxWords = 6;

/** Rows in which every word of the text begins a word of the name, e-mail address or phone number. */
export function searchWhere(text: string): { AND: { searchText: { contains: string } }[] } {
  const looksLikePhone = /^[\d\s()+/.-]+$/.test(text) && /\d{3}/.test(text);
  const words = looksLikePhone ? [text.replace(/\D/g, '').replace(/^0+/, '')] : fold(text).split(/\s+/).filter(Boolean);
  return {
    AND: words.slice(0, maxWords).map((word) => ({ searchText: { contains: ` ${word.replace(/[\\%_]/g, '\\$&')}` } })),
  };
}
