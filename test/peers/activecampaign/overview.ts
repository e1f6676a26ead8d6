import type { PeerAnswer, PeerRequest } from '../httpPeer.ts';
import type { ActiveCampaign } from './activeCampaign.ts';

const shown = 50;

/** The page at `/`: what is there, what was called last, and a form to change a contact as a person would. */
export function overview(peer: ActiveCampaign, request: PeerRequest): PeerAnswer {
  const headers = { 'content-type': 'text/html; charset=utf-8' };
  if (request.url.pathname !== '/') return { status: 404, headers, body: '' };
  let problem = '';
  if (request.method === 'POST') {
    try {
      edit(peer, new URLSearchParams(request.body));
      return { status: 303, headers: { location: '/' } };
    } catch (error) {
      problem = (error as Error).message;
    }
  }
  return { status: problem ? 400 : 200, headers, body: html(peer, problem) };
}

function edit(peer: ActiveCampaign, form: URLSearchParams): void {
  const given = (name: string) => form.get(name)?.trim() || undefined;
  const email = given('email') ?? '';
  const names = { firstName: given('firstName'), lastName: given('lastName'), phone: given('phone') };
  if (!peer.contact(email)) peer.createContact({ email, ...names });
  else if (Object.values(names).some(Boolean)) peer.editContact(email, names);
  const tag = given('tag');
  if (tag) peer.tagContact(email, tag);
  if (form.has('unsubscribe')) peer.unsubscribe(email);
}

function html(peer: ActiveCampaign, problem: string): string {
  const contacts = peer.contacts();
  const listed = contacts.slice(-shown).reverse();
  const calls = peer.calls().slice(-shown).reverse();
  const pairs = (of: Record<string, string>) =>
    Object.entries(of)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', ');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>ActiveCampaign to test against</title>
<style>body{font:14px system-ui;margin:2em}table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ddd}</style>
<h1>ActiveCampaign to test against</h1>
<p>URL <code>${safe(peer.url)}</code>, key <code>${safe(peer.apiKey)}</code>, events to <code>${safe(peer.trackingUrl)}</code>
with actid <code>${safe(peer.actid)}</code> and key <code>${safe(peer.eventKey)}</code></p>
<form method="post"><b>Change here, or add:</b>
${['email', 'firstName', 'lastName', 'phone', 'tag'].map((name) => `<input name="${name}" placeholder="${name}">`).join(' ')}
<label><input type="checkbox" name="unsubscribe"> unsubscribe</label> <button>Save</button> ${safe(problem)}</form>
<h2>Contacts (${contacts.length}${contacts.length > shown ? `, the newest ${shown} shown` : ''})</h2>
${table(
  ['id', 'e-mail', 'name', 'phone', 'fields', 'tags', 'lists'],
  listed.map((one) => [
    one.id,
    one.email,
    `${one.firstName} ${one.lastName}`,
    one.phone,
    pairs(one.fields),
    one.tags.join(', '),
    Object.entries(one.lists)
      .map(([name, status]) => `${name}: ${status === '1' ? 'subscribed' : 'unsubscribed'}`)
      .join(', '),
  ]),
)}
<h2>Latest calls</h2>
${table(
  ['at', 'call', 'status', 'body'],
  calls.map(({ time, method, path, query, status, body }) => [
    new Date(time).toISOString().slice(11, 23),
    `${method} ${path}${query}`,
    String(status ?? 'none'),
    body.slice(0, 200),
  ]),
)}
<h2>Tracked events</h2>
${table(
  ['at', 'event', 'of', 'data'],
  peer
    .events()
    .slice(-shown)
    .reverse()
    .map(({ at, event, email, eventdata }) => [at.toISOString().slice(11, 19), event, email, eventdata]),
)}
<script>setInterval(() => document.activeElement.matches('input') || location.reload(), 2000)</script>`;
}

function table(heads: string[], rows: string[][]): string {
  const cells = (of: string[], tag: string) =>
    `<tr>${of.map((text) => `<${tag}>${safe(text)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells(heads, 'th')}${rows.map((row) => cells(row, 'td')).join('')}</table>`;
}

function safe(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
