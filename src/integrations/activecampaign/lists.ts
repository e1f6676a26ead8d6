import { z } from 'zod';
import type { Lists, Memberships } from '../capabilities.ts';
import { type At, anything, api, count, id, listed, textOf } from './api.ts';
import type { Settings } from './settings.ts';

const list = z.object({ id, name: z.string() });

export const contactList = z.object({ list: id, status: textOf });

/** 1 is on it, 2 has left it; others are on their way, and count as neither. */
export function membershipsOf(rows: readonly z.output<typeof contactList>[]): Memberships {
  const by = { '1': 'SUBSCRIBED', '2': 'UNSUBSCRIBED' } as const;
  return Object.fromEntries(rows.map(({ list, status }) => [list, by[status as '1']]));
}

export const lists: Lists<Settings> = {
  async all(c, after) {
    const shown = list.extend({ active_subscribers: count });
    const page = await listed(c, '/lists', 'lists', shown, after);
    const items = page.items.map(({ id, name, active_subscribers }) => ({
      ...{ id, name },
      subscribers: active_subscribers,
    }));
    return { items, next: page.next };
  },
  async create(c, name) {
    const stringid = name.toLowerCase().replace(/\W+/g, '-');
    const json = { list: { name, stringid, sender_url: c.settings.apiUrl, sender_reminder: name } };
    return (await api(c, { method: 'POST', path: '/lists', json }, z.object({ list }))).list;
  },
  async of(c, contactId) {
    const path = `/contacts/${encodeURIComponent(contactId)}/contactLists`;
    const { contactLists } = await api(
      c,
      { method: 'GET', path },
      z.object({ contactLists: z.array(contactList) }),
    );
    return membershipsOf(contactLists);
  },
  subscribe: (c, contactId, listId) => set(c, contactId, listId, '1'),
  unsubscribe: (c, contactId, listId) => set(c, contactId, listId, '2'),
};

async function set(c: At, contact: string, listId: string, status: '1' | '2'): Promise<void> {
  const json = { contactList: { list: listId, contact, status } };
  await api(c, { method: 'POST', path: '/contactLists', json }, anything);
}
