import { timingSafeEqual } from 'node:crypto';
import { type HttpPeer, httpPeer, type PeerRequest } from '../httpPeer.ts';
import { createRate } from '../rate.ts';
import { type Account, openAccount, tagKey } from './account.ts';
import type { ActiveCampaign, Edit, SeenContact } from './activeCampaign.ts';
import { automations } from './automations.ts';
import { campaigns } from './campaigns.ts';
import { type ContactInput, contactByEmail, deleteContact, saveContact } from './contact.ts';
import { contacts } from './contacts.ts';
import { createWebhooks } from './createWebhooks.ts';
import { addField, fields } from './fields.ts';
import { fieldValues } from './fieldValues.ts';
import { importNext, imports } from './imports.ts';
import { addList, lists, setListStatus } from './lists.ts';
import { overview } from './overview.ts';
import { routed } from './routes.ts';
import { scores } from './scores.ts';
import { addTag, tagContact, tags, untagContact } from './tags.ts';
import { trackEvent, tracking } from './tracking.ts';
import { users } from './users.ts';
import { webhooks } from './webhooks.ts';

export interface ActiveCampaignOptions {
  /** Any free ones unless told. */
  port?: number;
  trackingPort?: number;
  /** Keeps the state, also over kill -9. */
  file?: string;
  apiKey?: string;
  actid?: string;
  eventKey?: string;
  /** Calls a second for the account, five unless told. */
  rate?: number;
  /** How long an import waits before it is carried out. */
  importAfterMs?: number;
}

/** One account of ActiveCampaign, API v3, on a real socket; start as many as you need. */
export async function startActiveCampaign(options: ActiveCampaignOptions = {}): Promise<ActiveCampaign> {
  const {
    apiKey = 'key-of-activecampaign',
    actid = '1000123',
    eventKey = 'event-key',
    importAfterMs = 200,
  } = options;
  const routes = routed({
    ...users,
    ...contacts,
    ...fields,
    ...fieldValues,
    ...tags,
    ...lists,
    ...automations,
    ...scores,
    ...campaigns,
    ...imports,
    ...webhooks,
    ...tracking,
  });
  const { tables } = openAccount(options.file);
  const hooks = createWebhooks(() => account);
  const account: Account = { ...tables, url: '', forbidden: new Set(), webhooks: hooks };

  let importing: NodeJS.Timeout | undefined;
  const importSoon = (afterMs = importAfterMs) => {
    importing ??= setTimeout(() => {
      importing = undefined;
      if (importNext(account)) importSoon(0);
    }, afterMs);
  };

  const api: HttpPeer = await httpPeer({
    port: options.port,
    rate: createRate(options.rate ?? 5),
    aside: isPage,
    rateHeaders: (rate, now) => ({
      'ratelimit-limit': String(rate.calls),
      'ratelimit-remaining': String(rate.remaining(now)),
    }),
    tooMany: (waitMs) => ({
      status: 429,
      headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
      body: '',
    }),
    unavailable: {
      status: 503,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Service Unavailable</h1>',
    },
    refused: { status: 403, body: { message: 'Forbidden' } },
    answer(request) {
      if (isPage(request)) return overview(peer, request);
      // Outside the API it sends to its login page, with a status that makes a POST a GET.
      if (!request.url.pathname.startsWith('/api/3/'))
        return { status: 301, headers: { location: `${account.url}/admin` } };
      if (!isKey(request)) return { status: 403, body: { message: 'Forbidden' } };
      const resource = request.url.pathname.split('/')[3]!;
      if (account.forbidden.has(resource) && resource !== 'lists')
        return { status: 403, body: { message: 'Forbidden' } };
      const answer = routes(account, request);
      if (resource === 'import' && request.method === 'POST') importSoon();
      return answer;
    },
  });
  const tracker = await httpPeer({
    port: options.trackingPort,
    answer: (request) => trackEvent(account, actid, eventKey, request),
  });
  account.url = api.url;
  importSoon();

  function isKey({ headers }: PeerRequest): boolean {
    const given = Buffer.from(String(headers['api-token'] ?? ''));
    const real = Buffer.from(apiKey);
    return given.length === real.length && timingSafeEqual(given, real);
  }

  function known(email: string) {
    const contact = contactByEmail(account, email);
    if (!contact) throw new Error(`ActiveCampaign has no contact ${email}.`);
    return contact;
  }

  function named<R extends { id: string; name: string }>(rows: R[], nameOrId: string): R {
    const row = rows.find(({ id, name }) => id === nameOrId || name === nameOrId);
    if (!row)
      throw new Error(`ActiveCampaign has no ${nameOrId} among ${rows.map(({ name }) => name).join(', ')}.`);
    return row;
  }

  function input({ fields: given = {}, ...rest }: Edit): ContactInput {
    const values = Object.entries(given).map(([title, value]) => {
      const field = account.fields.all().find((one) => one.title === title);
      return { field: (field ?? addField(account, { title, type: 'text' })).id, value };
    });
    return { ...rest, fieldValues: values };
  }

  function tagNamed(name: string) {
    return account.tags.by('tag', tagKey({ tagType: 'contact', tag: name }))[0] ?? addTag(account, name);
  }

  function seen({ id, email, firstName, lastName, phone }: ReturnType<typeof known>): SeenContact {
    const own = <R>(table: { by(index: string, key: string): R[] }) => table.by('contact', id);
    return {
      id,
      email,
      firstName,
      lastName,
      phone,
      fields: Object.fromEntries(
        own(account.fieldValues).map(({ field, value }) => [account.fields.get(field)!.title, value]),
      ),
      tags: own(account.contactTags)
        .map(({ tag }) => account.tags.get(tag)!.tag)
        .sort(),
      lists: Object.fromEntries(
        own(account.contactLists).map(({ list, status }) => [account.lists.get(list)!.name, status]),
      ),
    };
  }

  const peer: ActiveCampaign = {
    url: api.url,
    trackingUrl: `${tracker.url}/event`,
    apiKey,
    actid,
    eventKey,

    setRate: api.setRate,
    failWith(failing) {
      api.failWith(failing);
      tracker.failWith(failing);
    },
    forbid(resource, forbidden = true) {
      if (forbidden) account.forbidden.add(resource);
      else account.forbidden.delete(resource);
    },
    async stop() {
      clearTimeout(importing);
      importing = undefined;
      hooks.drop();
      await Promise.all([api.stop(), tracker.stop()]);
    },
    async start() {
      await Promise.all([api.start(), tracker.start()]);
      importSoon();
    },

    calls: api.calls,
    trackingCalls: tracker.calls,
    forgetCalls() {
      api.forgetCalls();
      tracker.forgetCalls();
    },
    contacts: () => account.contacts.all().map(seen),
    contact(email) {
      const contact = contactByEmail(account, email);
      return contact && seen(contact);
    },
    startsOf(automation) {
      const { id } = named(account.automations.all(), automation);
      return account.starts
        .by('automation', id)
        .map(({ contact, email, at, by }) => ({ contact, email, at: new Date(at), by }));
    },
    events: () => account.trackedEvents.all().map(({ id, at, ...event }) => ({ ...event, at: new Date(at) })),

    addAutomation(name, { active = true, multientry = true, startsOnEvent } = {}) {
      const flags = { status: active ? '1' : '2', multientry: multientry ? '1' : '0' };
      const row = { name, ...flags, startsOnEvent: startsOnEvent ?? null, cdate: Date.now() };
      return account.automations.add(row).id;
    },
    lists: () => account.lists.all().map(({ id, name }) => ({ id, name })),
    automations: () => account.automations.all().map(({ id, name }) => ({ id, name })),
    fields: () => account.fields.all().map(({ id, title }) => ({ id, name: title })),
    addList: (name) => addList(account, { name }).id,
    addTag: (name) => addTag(account, name).id,
    addField: (title, type) => addField(account, { title, type }).id,
    addCampaign(name, { sent, opens = 0 } = {}) {
      const counts = { send_amt: sent ? '100' : '0', opens: String(opens), linkclicks: '0' };
      const sdate = sent?.getTime() ?? null;
      return account.campaigns.add({ name, status: sent ? '5' : '0', sdate, ...counts, cdate: Date.now() })
        .id;
    },
    setScore(email, score, value) {
      const contact = known(email).id;
      const now = Date.now();
      const of =
        account.scores.all().find(({ name }) => name === score) ??
        account.scores.add({ name: score, descript: '', cdate: now });
      const old = account.scoreValues.by('contact', contact).find((row) => row.score === of.id);
      const row = { contact, score: of.id, scoreValue: String(value), mdate: now };
      if (old) account.scoreValues.put({ ...old, ...row });
      else account.scoreValues.add({ ...row, cdate: now });
    },

    editContact(email, edit) {
      saveContact(account, known(email), input(edit), 'admin');
    },
    createContact: (contact) => saveContact(account, undefined, input(contact), 'admin').contact.id,
    deleteContact(email) {
      deleteContact(account, known(email).id);
    },
    tagContact(email, tag) {
      tagContact(account, known(email), tagNamed(tag), 'admin');
    },
    untagContact(email, tag) {
      const { id } = tagNamed(tag);
      const row = account.contactTags.by('contact', known(email).id).find((one) => one.tag === id);
      if (row) untagContact(account, row, 'admin');
    },
    subscribe(email, list) {
      setListStatus(account, known(email), named(account.lists.all(), list).id, '1', 'admin');
    },
    unsubscribe(email, { list, reason = '' } = {}) {
      const contact = known(email);
      const on = list
        ? [named(account.lists.all(), list).id]
        : account.contactLists.by('contact', contact.id).map((row) => row.list);
      for (const id of on) setListStatus(account, contact, id, '2', 'public', { reason });
    },

    deliverWith: hooks.deliverWith,
    deliveries: hooks.deliveries,
    delivered: hooks.delivered,
  };
  return peer;
}

/** What a browser asks for when somebody looks at the peer. */
function isPage({ url }: PeerRequest): boolean {
  return url.pathname === '/' || url.pathname === '/favicon.ico';
}
