import type { Account, Campaign } from './account.ts';
import { links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

export const campaigns: Routes = {
  'GET /campaigns': (account, { query }) =>
    page('campaigns', sorted(account, query), query, (row) => shownCampaign(account, row)),
};

/** By the time of sending, where asked for; what was not sent comes last. */
function sorted({ campaigns }: Account, query: URLSearchParams): Campaign[] {
  const order = query.get('orders[sdate]')?.toUpperCase();
  if (!order) return campaigns.all();
  const sign = order === 'DESC' ? -1 : 1;
  return campaigns.all().toSorted((a, b) => sign * ((a.sdate ?? 0) - (b.sdate ?? 0)));
}

function shownCampaign(account: Account, { id, cdate, sdate, ...campaign }: Campaign) {
  return {
    type: 'single',
    userid: '1',
    segmentid: '0',
    ...campaign,
    uniqueopens: campaign.opens,
    uniquelinkclicks: campaign.linkclicks,
    unsubscribes: '0',
    hardbounces: '0',
    softbounces: '0',
    cdate: wireDate(cdate),
    mdate: wireDate(cdate),
    sdate: sdate === null ? null : wireDate(sdate),
    ldate: sdate === null ? null : wireDate(sdate),
    links: links(account, 'campaigns', id, ['user', 'campaignMessages', 'links', 'campaignLists']),
    id,
  };
}
