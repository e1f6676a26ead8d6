import type { Account, Contact, ContactList, List, Source } from './account.ts';
import { shownContact } from './contact.ts';
import { badRequest, noResult, Refused } from './refuse.ts';
import { asText, bodyOf, links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

export const lists: Routes = {
  'GET /lists': (account, { query }) => {
    mayUse(account, 'view');
    const name = query.get('filters[name]')?.toLowerCase();
    const whole = query.get('filters[name][eq]')?.toLowerCase();
    const some = account.lists.all().filter((list) => {
      const own = list.name.toLowerCase();
      return (name === undefined || own.includes(name)) && (whole === undefined || own === whole);
    });
    return page('lists', some, query, (list) => shownList(account, list));
  },
  // 200 although it creates.
  'POST /lists': (account, request) => {
    mayUse(account, 'create');
    const { name, stringid, sender_url, sender_reminder } = bodyOf(request, 'list');
    if (!asText(name)) throw badRequest();
    const list = addList(account, {
      name: asText(name),
      stringid: asText(stringid),
      sender_url: asText(sender_url),
      sender_reminder: asText(sender_reminder),
    });
    account.webhooks.fire('list_add', undefined, 'api', { 'list[id]': list.id, 'list[name]': list.name });
    return { status: 200, body: { list: shownList(account, list) } };
  },
  'GET /lists/:id': (account, { params }) => {
    mayUse(account, 'view');
    const list = account.lists.get(params.id!);
    if (!list) throw noResult('_List', params.id!);
    return { status: 200, body: { list: shownList(account, list) } };
  },
  // Not found is 403 here.
  'DELETE /lists/:id': (account, { params }) => {
    const list = account.lists.get(params.id!);
    if (!list) throw noResult('_List', params.id!, 403);
    for (const row of account.contactLists.all())
      if (row.list === list.id) account.contactLists.remove(row.id);
    account.lists.remove(list.id);
    return { status: 200, body: {} };
  },
  // 200 although it may create. Status 1 puts back someone who left by themselves: nothing here guards against it.
  'POST /contactLists': (account, request) => {
    const { contact: of, list: on, status, sourceid } = bodyOf(request, 'contactList');
    const contact = account.contacts.get(asText(of));
    const list = account.lists.get(asText(on));
    if (asText(status) !== '1' && asText(status) !== '2') throw badRequest();
    if (!contact) throw badRequest();
    if (!list) throw noResult('_List', asText(on), 403);
    const row = setListStatus(account, contact, list.id, asText(status), 'api', {
      sourceid: asText(sourceid),
    });
    return {
      status: 200,
      body: { contacts: [shownContact(account, contact)], contactList: listOfContact(account, row) },
    };
  },
};

export function addList(account: Account, list: Partial<List> & { name: string }): List {
  const stringid = list.stringid || list.name.toLowerCase().replace(/\W+/g, '-');
  return account.lists.add({ sender_url: '', sender_reminder: '', ...list, stringid, cdate: Date.now() });
}

/** 1 subscribes and 2 unsubscribes; what changes nothing tells nobody. */
export function setListStatus(
  account: Account,
  contact: Contact,
  list: string,
  status: string,
  source: Source | 'import',
  { sourceid = '', reason = '' } = {},
): ContactList {
  const now = Date.now();
  const old = account.contactLists.by('contact', contact.id).find((row) => row.list === list);
  const changed = {
    status,
    sourceid: sourceid || '0',
    unsubreason: status === '2' ? reason : null,
    leftAlone: status === '2' && source === 'public',
    sdate: status === '1' ? now : (old?.sdate ?? null),
    udate: now,
  };
  const row = old
    ? account.contactLists.put({ ...old, ...changed })
    : account.contactLists.add({ contact: contact.id, list, ...changed });
  if (old?.status === status || source === 'import') return row;
  if (status === '1') account.webhooks.fire('subscribe', contact, source, { list });
  else account.webhooks.fire('unsubscribe', contact, source, { list, 'unsubscribe[reason]': reason });
  return row;
}

export function listOfContact(account: Account, { id, sdate, udate, leftAlone, ...row }: ContactList) {
  const contact = account.contacts.get(row.contact)!;
  return {
    ...row,
    form: null,
    seriesid: '0',
    sdate: sdate === null ? null : wireDate(sdate),
    udate: wireDate(udate),
    responder: '1',
    sync: '0',
    campaign: null,
    message: null,
    first_name: contact.firstName,
    last_name: contact.lastName,
    ip4Sub: '0',
    autosyncLog: null,
    unsubscribeAutomation: null,
    links: links(account, 'contactLists', id, ['automation', 'list', 'contact']),
    id,
    automation: null,
  };
}

function shownList(account: Account, { id, cdate, ...list }: List) {
  const on = account.contactLists.all().filter((row) => row.list === id);
  return {
    non_deleted_subscribers: String(on.length),
    active_subscribers: String(on.filter(({ status }) => status === '1').length),
    ...list,
    userid: '1',
    cdate: wireDate(cdate),
    private: '0',
    udate: null,
    links: links(account, 'lists', id, ['contactGoalLists', 'user', 'addressLists']),
    id,
    user: '1',
  };
}

/** A key has the rights of its user. The refusal is JSON that calls itself text. */
function mayUse(account: Account, what: string): void {
  if (!account.forbidden.has('lists')) return;
  const errors = [
    { status: 403, title: 'Forbidden', detail: `You do not have permission to ${what} lists.` },
  ];
  const headers = { 'content-type': 'text/plain' };
  throw new Refused({ status: 403, headers, body: JSON.stringify({ errors }) });
}
