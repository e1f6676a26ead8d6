import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { visible } from '../../../src/core/visible.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { searchWhere } from '../../../src/resolvers/customers/searchable.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { createWorkspace, openTestDatabase } from '../../support/context.ts';

const db = await openTestDatabase();

async function shopWith<Name extends string>(customers: Record<Name, object>) {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const names = new Map<string, Name>();
  for (const [name, fields] of Object.entries(customers) as [Name, object][]) {
    names.set((await createCustomer(admin, fields)).id, name);
  }
  const search = async (text: string) => {
    const rows = await db.customer.findMany({
      where: { AND: [visible(admin, 'Customer'), searchWhere(text)] },
    });
    return rows.map(({ id }) => names.get(id)).sort();
  };
  return { shop, admin, search, idOf: (name: Name) => [...names].find(([, of]) => of === name)![0] };
}

const people = await shopWith({
  ada: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada.l@engines.example', phone: '+4930901820' },
  adam: {
    firstName: 'Adam',
    lastName: 'Ångström',
    email: 'post@xn--bcher-kva.example',
    phone: '+4915112345678',
  },
  rene: { firstName: 'René', lastName: 'François Müller-Straße', companyName: 'Øresund ApS' },
  lukasz: { firstName: 'Łukasz', lastName: 'Żółć', companyName: 'Đorđević & Æbler' },
  istanbul: { firstName: 'İpek', lastName: 'Işık' },
  odysseus: { firstName: 'ΟΔΥΣΣΕΥΣ', lastName: 'Λαερτιάδης' },
  roma: { firstName: 'Giulia', lastName: 'Rossi', phone: '+390669812345' },
  tanaka: { firstName: '太郎', lastName: '田中', companyName: '株式会社ひまわり' },
  kim: { firstName: '민수', lastName: '김' },
  layla: { firstName: 'ليلى', lastName: 'العامري' },
  shira: { firstName: 'שירה', lastName: 'כהן' },
  prya: { firstName: 'प्रिया', lastName: 'शर्मा' },
  percent: { companyName: '100% Wolle' },
  underscore: { companyName: 'snake_case Ltd' },
  backslash: { companyName: 'C:\\Temp GmbH' },
  numbers: { companyName: '0815 Haarschnitt 007' },
  single: { firstName: 'O', lastName: 'X' },
});

describe('Search finds', () => {
  test.each<[what: string, text: string, found: string[]]>([
    ['a first name', 'Lovelace', ['ada']],
    ['the beginning of a name, in any case', 'aDA', ['ada', 'adam']],
    ['a last name with the accents', 'Ångström', ['adam']],
    ['a last name without the accents', 'angstrom', ['adam']],
    ['a name without accents when the text has some', 'Âdá', ['ada', 'adam']],
    ['accents that are letters of their own', 'a\u030angstro\u0308m', ['adam']],
    ['the second word of a name', 'muller', ['rene']],
    ['ß as ss and ss as ß', 'francois müller-strasse', ['rene']],
    ['ø as o', 'oresund', ['rene']],
    ['ł as l', 'lukasz zolc', ['lukasz']],
    ['đ as d, and & as itself', 'dordevic & aebler', ['lukasz']],
    ['the dotted and the dotless i', 'IPEK isik', ['istanbul']],
    ['Greek capitals, though sigma looks different at the end', 'ΟΔΥΣ', ['odysseus']],
    ['Greek with a final sigma', 'οδυσσευς', ['odysseus']],
    ['an e-mail address', 'ada.l@engines.example', ['ada']],
    ['the beginning of an e-mail address', 'ADA.L@', ['ada']],
    ['an e-mail domain', 'engines.example', ['ada']],
    ['a phone number as stored', '+4930901820', ['ada']],
    ['a phone number with gaps', '+49 30 90 18-20', ['ada']],
    ['a phone number with the international prefix', '0049 30 901820', ['ada']],
    ['a phone number as it is dialled at home', '(030) 90 18 20', ['ada']],
    ['a phone number with the zero in brackets', '+49 (0)30 901820', ['ada']],
    ['the beginning of a phone number', '0151/123', ['adam']],
    ['a phone number whose zero is part of it', '06 6981 2345', ['roma']],
    ['the same from abroad', '+39 06 6981', ['roma']],
    ['two words in any order', 'lovelace ada', ['ada']],
    ['two beginnings', 'a lo', ['ada']],
    ['words of different fields', 'adam xn--bcher', ['adam']],
    ['only those who have every word', 'ada ångström', ['adam']],
    ['nobody when one word is of nobody', 'ada nobody', []],
    ['nobody for the middle of a word', 'velace', []],
    ['one letter', 'x', ['adam', 'single']],
    ['two letters', 'ad', ['ada', 'adam']],
    ['Chinese characters', '田中', ['tanaka']],
    ['one Chinese character', '田', ['tanaka']],
    ['Japanese', '株式会社', ['tanaka']],
    ['Japanese in half-width letters', '太郎 株', ['tanaka']],
    ['Korean', '김 민수', ['kim']],
    ['a Korean syllable that is not finished', '김 미', ['kim']],
    ['Arabic', 'ليلى', ['layla']],
    ['Arabic with vowel signs', 'لَيْلَى', ['layla']],
    ['Hebrew', 'כהן שירה', ['shira']],
    ['Hindi', 'प्रिया', ['prya']],
    ['full-width Latin', 'Ａｄａ　Ｌｏｖｅ', ['ada']],
    ['a percent sign as itself', '100%', ['percent']],
    ['an underscore as itself', 'snake_', ['underscore']],
    ['a backslash as itself', 'c:\\t', ['backslash']],
    ['digits with zeros in front that are a name', '0815', ['numbers']],
    ['digits that are a name, beside those of phone numbers', '007', ['numbers']],
    ['zeros alone', '000', []],
    ['nobody for a percent sign', '%', []],
    ['nobody for an underscore', '_', []],
    ['nobody for a backslash', '\\', []],
    ['nobody for a wildcard inside a word', 'a_a', []],
    ['nobody for a wildcard at the end', 'adx%', []],
    ['nobody for SQL', "' OR 1=1 --", []],
    ['the rest beside a NUL', 'love\0', ['ada']],
    ['words around a NUL', 'ada\0love', ['ada']],
    ['nobody for a lone surrogate', 'ada\ud800', []],
    ['the same in a text without end', `ada ${' love'.repeat(50_000)}`, ['ada']],
    ['nobody for a word without end', 'a'.repeat(1_000_000), []],
  ])('%s: %j', async (_, text, found) => {
    expect(await people.search(text)).toEqual(found);
  });

  test('who has this name now, and nobody by the old one.', async () => {
    const { search, admin, idOf } = await shopWith({
      ada: { firstName: 'Ada', lastName: 'Byron', phone: '+4930901820' },
    });
    await updateCustomer(admin, {
      id: encodeId('Customer', idOf('ada')),
      lastName: 'King',
      phone: '+4940123456',
    });
    const texts = ['byron', 'king', 'ada', '030901820', '040123456'];
    expect(await Promise.all(texts.map(search))).toEqual([[], ['ada'], ['ada'], [], ['ada']]);
  });

  test('nobody of another workspace, and nobody who was deleted.', async () => {
    const { search, admin, idOf } = await shopWith({
      one: { firstName: 'Unique' },
      two: { firstName: 'Unique' },
    });
    expect(await (await shopWith({})).search('unique')).toEqual([]);
    await deleteCustomer(admin, { id: encodeId('Customer', idOf('one')) });
    expect(await search('unique')).toEqual(['two']);
  });
});

test('A list by name is ordered by last name, then first name, then company, e-mail address or phone number.', async () => {
  const { admin } = await shopWith({});
  const input: [string, object][] = [
    ['+4930901820', { phone: '030 901820' }],
    ['abel', { companyName: 'Ábel' }],
    ['angstrom anders', { firstName: 'Anders', lastName: 'Ångström', companyName: 'Zeta' }],
    ['angstrom bo', { firstName: 'Bo', lastName: 'ångström' }],
    ['bo', { firstName: 'Bo', email: 'aaa@example.com' }],
    ['carl@example.com', { email: 'Carl@example.com', phone: '030 901820' }],
  ];
  for (const [, fields] of [...input].reverse()) await createCustomer(admin as Context, fields);
  const rows = await db.customer.findMany({
    where: visible(admin, 'Customer'),
    orderBy: { sortName: 'asc' },
  });
  expect(rows.map(({ sortName }) => sortName)).toEqual(input.map(([name]) => name));
});
