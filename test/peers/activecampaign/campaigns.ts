import type { Account, Campaign } from './account.ts';
import { links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

export const campaigns: Routes = {
  'GET /campaigns': (account, { query }) =>
    page('campaigns', account.campaigns.all(), query, (row) => shownCampaign(account, row)),
};

function shownCampaign(account: Account, { id, cdate, sdate, ...campaign }: Campaign) {
  return {
    type: 'single',
    userid: '1',
    segmentid: '0',
    ...campaign,
    uniqueopens: campaign.opens,
    uniquelinkclicks: campaign.linkclicks,
    unsubscribes: '0',
    cdate: wireDate(cdate),
    mdate: wireDate(cdate),
    sdate: sdate === null ? null : wireDate(sdate),
    ldate: sdate === null ? null : wireDate(sdate),
    links: links(account, 'campaigns', id, ['user', 'campaignMessages', 'links', 'campaignLists']),
    id,
  };
}
