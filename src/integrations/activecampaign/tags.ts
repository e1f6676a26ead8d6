import { z } from 'zod';
import type { Tags } from '../capabilities.ts';
import { OutsideFailure } from '../failure.ts';
import { type At, anything, api, id, listed } from './api.ts';
import { orNone } from './contacts.ts';
import type { Settings } from './settings.ts';

const tag = z.object({ id, tag: z.string() });
const association = z.object({ id, tag: id });

export const tags: Tags<Settings> = {
  async of(c, contactId) {
    const names = [];
    for (const { tag } of await associations(c, contactId)) names.push(await nameOf(c, tag));
    return names.filter((name) => name !== null);
  },
  async add(c, contactId, name) {
    const attach = async () =>
      api(
        c,
        {
          method: 'POST',
          path: '/contactTags',
          json: { contactTag: { contact: contactId, tag: await idOf(c, name) } },
        },
        anything,
      );
    try {
      await attach();
    } catch (error) {
      // The tag may have been deleted since its id was looked up.
      if (!(error instanceof OutsideFailure && error.kind === 'NOT_FOUND' && c.known.delete(key(name))))
        throw error;
      await attach();
    }
  },
  async remove(c, contactId, name) {
    const tagId = await find(c, name);
    const found = tagId && (await associations(c, contactId)).find(({ tag }) => tag === tagId);
    // Deletion wants the id of the association, not of the tag.
    if (found) await orNone(api(c, { method: 'DELETE', path: `/contactTags/${found.id}` }, anything));
  },
  async all(c, after) {
    const page = await listed(c, '/tags', 'tags', tag, after);
    return { items: page.items.map(({ id, tag }) => ({ id, name: tag })), next: page.next };
  },
};

const key = (name: string) => `tag ${name.toLowerCase()}`;

async function associations(c: At, contactId: string) {
  const path = `/contacts/${encodeURIComponent(contactId)}/contactTags`;
  const { contactTags } = await api(
    c,
    { method: 'GET', path },
    z.object({ contactTags: z.array(association) }),
  );
  return contactTags;
}

async function nameOf(c: At, tagId: string): Promise<string | null> {
  const known = c.known.get(`tag id ${tagId}`);
  if (known) return known;
  const found = await orNone(api(c, { method: 'GET', path: `/tags/${tagId}` }, z.object({ tag })));
  if (found) c.known.set(`tag id ${tagId}`, found.tag.tag);
  return found?.tag.tag ?? null;
}

/** By its exact name: a search that reads only the first page makes duplicates. */
async function find(c: At, name: string): Promise<string | null> {
  const known = c.known.get(key(name));
  if (known) return known;
  const { items } = await listed(c, '/tags', 'tags', tag, null, { 'filters[search][eq]': name });
  const found = items.find((one) => one.tag.toLowerCase() === name.toLowerCase());
  if (found) c.known.set(key(name), found.id);
  return found?.id ?? null;
}

/** Found, or made, or, when somebody else made it meanwhile, found after all. */
async function idOf(c: At, name: string): Promise<string> {
  const known = await find(c, name);
  if (known) return known;
  try {
    const made = await api(
      c,
      { method: 'POST', path: '/tags', json: { tag: { tag: name, tagType: 'contact', description: '' } } },
      z.object({ tag }),
    );
    c.known.set(key(name), made.tag.id);
    return made.tag.id;
  } catch (error) {
    const again = error instanceof OutsideFailure && error.status === 422 ? await find(c, name) : null;
    if (!again) throw error;
    return again;
  }
}
