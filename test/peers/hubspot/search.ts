import type { PeerAnswer } from '../httpPeer.ts';
import { type Contact, shown, stamps, usual } from './contact.ts';
import { Refused } from './refused.ts';

interface Filter {
  propertyName: string;
  operator: string;
  value: string;
}
interface Search {
  filterGroups?: { filters: Filter[] }[];
  sorts?: { propertyName: string }[];
  properties?: string[];
  limit?: number;
  after?: string;
}

/** Groups are alternatives, the filters of a group all hold. Times are compared in milliseconds; 10,000 is the end. */
export function search(rows: Contact[], asked: Record<string, unknown>): PeerAnswer {
  const { filterGroups = [], sorts = [], properties = usual, limit = 10, after } = asked as Search;
  const from = Number(after ?? 0);
  if (limit > 200 || from + limit > 10_000)
    throw new Refused(400, 'VALIDATION_ERROR', 'There was a problem with the request.');
  const own = (row: Contact, name: string) => {
    const value = ({ ...row.properties, ...stamps(row) } as Record<string, string>)[name] ?? '';
    return name.endsWith('date') ? String(Date.parse(value)) : value;
  };
  const holds = (row: Contact, { propertyName, operator, value }: Filter) => {
    const has = own(row, propertyName);
    if (operator === 'EQ') return has.toLowerCase() === value.toLowerCase();
    if (operator === 'GTE') return Number(has) >= Number(value);
    throw new Refused(400, 'VALIDATION_ERROR', `This peer knows no ${operator}.`);
  };
  const groups = filterGroups.map(({ filters }) => filters);
  const some = rows.filter(
    (row) => groups.length === 0 || groups.some((filters) => filters.every((one) => holds(row, one))),
  );
  const [sort] = sorts;
  if (sort) some.sort((a, b) => Number(own(a, sort.propertyName)) - Number(own(b, sort.propertyName)));
  const results = some.slice(from, from + limit).map((row) => shown(row, properties));
  const paging = from + limit < some.length ? { paging: { next: { after: String(from + limit) } } } : {};
  return { status: 200, body: { total: some.length, results, ...paging } };
}
