import type { Account, Automation, AutomationStart, Contact, ContactAutomation } from './account.ts';
import { shownContact } from './contact.ts';
import { badRequest, forbidden, noResult } from './refuse.ts';
import { asText, bodyOf, links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

export const automations: Routes = {
  'GET /automations': (account, { query }) =>
    page('automations', account.automations.all(), query, (row) => shownAutomation(account, row)),
  'GET /automations/:id': (account, { params }) => {
    const automation = account.automations.get(params.id!);
    if (!automation) throw badRequest();
    return { status: 200, body: { automation: shownAutomation(account, automation) } };
  },
  'GET /contactAutomations': (account, { query }) =>
    page('contactAutomations', account.contactAutomations.all(), query, (row) =>
      automationOfContact(account, row),
    ),
  // Each call is a start, so a repeat starts twice. Whatever is wrong is 403.
  'POST /contactAutomations': (account, request) => {
    const body = bodyOf(request, 'contactAutomation');
    const contact = account.contacts.get(asText(body.contact));
    const automation = account.automations.get(asText(body.automation));
    const row = contact && automation && startAutomation(account, contact, automation, 'api');
    if (!row) throw forbidden('Could not create SubscriberSeries');
    return {
      status: 201,
      body: {
        contacts: [shownContact(account, contact)],
        contactAutomation: automationOfContact(account, row),
      },
    };
  },
  'GET /contactAutomations/:id': (account, { params }) => {
    const row = account.contactAutomations.get(params.id!);
    if (!row) throw noResult('SubscriberSeries', params.id!);
    return { status: 200, body: { contactAutomation: automationOfContact(account, row) } };
  },
  // By the id of the association; and not found is 403 here.
  'DELETE /contactAutomations/:id': (account, { params }) => {
    if (!account.contactAutomations.get(params.id!)) throw noResult('SubscriberSeries', params.id!, 403);
    account.contactAutomations.remove(params.id!);
    return { status: 200, body: {} };
  },
};

/** Undefined when the automation is not active, or takes nobody twice. */
export function startAutomation(
  account: Account,
  contact: Contact,
  automation: Automation,
  by: AutomationStart['by'],
): ContactAutomation | undefined {
  const { id } = automation;
  const entered = account.starts.by('contact', contact.id).some((start) => start.automation === id);
  if (automation.status !== '1' || (automation.multientry !== '1' && entered)) return;
  const at = Date.now();
  account.starts.add({ contact: contact.id, email: contact.email, automation: id, at, by });
  return account.contactAutomations.add({ contact: contact.id, automation: id, adddate: at });
}

export function automationOfContact(account: Account, { id, adddate, ...row }: ContactAutomation) {
  return {
    ...row,
    seriesid: row.automation,
    startid: '0',
    status: '1',
    batchid: null,
    adddate: wireDate(adddate),
    remdate: null,
    timespan: null,
    lastblock: '0',
    lastdate: wireDate(adddate),
    completedElements: '0',
    totalElements: '1',
    completed: 0,
    completeValue: 0,
    links: links(account, 'contactAutomations', id, ['automation', 'contact', 'contactGoals']),
    id,
  };
}

function shownAutomation(account: Account, { id, cdate, startsOnEvent, ...automation }: Automation) {
  return {
    ...automation,
    cdate: wireDate(cdate),
    mdate: wireDate(cdate),
    userid: '1',
    entered: String(account.starts.by('automation', id).length),
    exited: '0',
    hidden: '0',
    links: links(account, 'automations', id, [
      'campaigns',
      'contactGoals',
      'contactAutomations',
      'blocks',
      'goals',
    ]),
    id,
  };
}
