import { type Account, type Contact, type ContactTag, type Source, type Tag, tagKey } from './account.ts';
import { invalid, noResult, Refused } from './refuse.ts';
import { asText, bodyOf, links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

export const tags: Routes = {
  // `search` finds a part of the name, `filters[search][eq]` the whole of it.
  'GET /tags': (account, { query }) => {
    const part = query.get('search')?.toLowerCase();
    const whole = query.get('filters[search][eq]')?.toLowerCase();
    const some = account.tags.all().filter(({ tag }) => {
      const name = tag.toLowerCase();
      return (part === undefined || name.includes(part)) && (whole === undefined || name === whole);
    });
    return page('tags', some, query, (tag) => shownTag(account, tag));
  },
  'POST /tags': (account, request) => {
    const { tag, tagType, description } = bodyOf(request, 'tag');
    if (!asText(tag)) throw invalid('field_missing', 'The tag is required', 'tag');
    const type = asText(tagType) || 'contact';
    if (type !== 'contact' && type !== 'template')
      throw invalid('field_invalid', 'tagType is not valid', 'tagType');
    const row = addTag(account, asText(tag), type, asText(description));
    return { status: 201, body: { tag: shownTag(account, row) } };
  },
  'GET /tags/:id': (account, { params }) => ({
    status: 200,
    body: { tag: shownTag(account, known(account, params.id!)) },
  }),
  'DELETE /tags/:id': (account, { params }) => {
    const { id } = known(account, params.id!);
    for (const row of account.contactTags.all()) if (row.tag === id) account.contactTags.remove(row.id);
    account.tags.remove(id);
    return { status: 200, body: {} };
  },
  'POST /contactTags': (account, request) => {
    const body = bodyOf(request, 'contactTag');
    for (const name of ['contact', 'tag']) if (!asText(body[name])) throw missing(name);
    const contact = account.contacts.get(asText(body.contact));
    if (!contact) throw notFound('Contact not found');
    const tag = account.tags.get(asText(body.tag));
    if (!tag) throw notFound('Tag not found');
    const { row, isNew } = tagContact(account, contact, tag, 'api');
    return { status: isNew ? 201 : 200, body: { contactTag: tagOfContact(account, row) } };
  },
  // By the id of the association, not of the tag.
  'DELETE /contactTags/:id': (account, { params }) => {
    const row = account.contactTags.get(params.id!);
    if (!row) throw noResult('SubscriberTag', params.id!);
    untagContact(account, row, 'api');
    return { status: 200, body: {} };
  },
};

/** Throws a refusal, in the words of its database, when there is one of this name. */
export function addTag(account: Account, tag: string, tagType = 'contact', description = ''): Tag {
  if (account.tags.by('tag', tagKey({ tag, tagType })).length > 0)
    throw new Refused({
      status: 422,
      body: {
        message: 'Could not process request',
        error: `Duplicate entry '${tagType}-${tag}' for key 'typetag'`,
      },
    });
  return account.tags.add({ tag, tagType, description, cdate: Date.now() });
}

/** Tagging twice is tagging once. */
export function tagContact(account: Account, contact: Contact, tag: Tag, source: Source | 'import') {
  const old = account.contactTags.by('contact', contact.id).find((row) => row.tag === tag.id);
  if (old) return { row: old, isNew: false };
  const row = account.contactTags.add({ contact: contact.id, tag: tag.id, cdate: Date.now() });
  if (source !== 'import') account.webhooks.fire('contact_tag_added', contact, source, { tag: tag.tag });
  return { row, isNew: true };
}

export function untagContact(account: Account, row: ContactTag, source: Source): void {
  account.contactTags.remove(row.id);
  const tag = account.tags.get(row.tag)!.tag;
  account.webhooks.fire('contact_tag_removed', account.contacts.get(row.contact)!, source, { tag });
}

export function tagOfContact(account: Account, { id, cdate, ...row }: ContactTag) {
  return { ...row, cdate: wireDate(cdate), links: links(account, 'contactTags', id, ['tag', 'contact']), id };
}

export function shownTag(account: Account, { id, cdate, ...tag }: Tag) {
  return { ...tag, cdate: wireDate(cdate), links: links(account, 'tags', id, ['contactGoalTags']), id };
}

function known(account: Account, id: string): Tag {
  const tag = account.tags.get(id);
  if (!tag) throw noResult('Tag', id);
  return tag;
}

const notFound = (detail: string) =>
  new Refused({ status: 404, body: { errors: [{ status: 404, title: 'Not Found', detail }] } });

const missing = (name: string) =>
  new Refused({
    status: 422,
    body: {
      errors: [{ status: 422, title: 'Missing attribute', source: { pointer: `/data/attributes/${name}` } }],
    },
  });
