import '../parts/card.css';
import '../parts/table.css';
import './Customers.css';
import { Button, Table, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch, IconUserSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { stream } from '../api/live.ts';
import { useSession } from '../api/session.tsx';
import { useLive } from '../api/useLive.ts';
import type { CustomersListQuery } from '../generated/graphql.ts';
import { Ago } from '../parts/Ago.tsx';
import { arrowKeys } from '../parts/arrowKeys.ts';
import { ListState } from '../parts/ListState.tsx';
import { initialsOf, nameOf, stageWords } from '../parts/words.ts';
import { PageHead } from '../shell/PageHead.tsx';

const list = graphql(`
  query CustomersList($search: String, $after: String, $insights: Boolean!) {
    customers(search: $search, after: $after, first: 50) {
      nodes {
        id fullName email phone companyName createdAt
        lifecycleStage @include(if: $insights)
        vip @include(if: $insights)
        stats @include(if: $insights) { totalBookings lastBookingAt }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const comeAndGo = graphql(`
  subscription CustomersComeAndGo($after: String) {
    activityAdded(types: [CUSTOMER_CREATED, CUSTOMER_DELETED], after: $after) { cursor }
  }
`);

type Page = CustomersListQuery['customers'];

/** Finds a customer. */
export function Customers() {
  const { gateway, may } = useSession();
  const insights = may('INSIGHTS_READ');
  const [query, setQuery] = useState('');
  const [settled] = useDebouncedValue(query.trim(), 200);
  const search = settled || null;
  const read = async (from: Gateway, after: string | null): Promise<Page> =>
    (await from.ask(list, { search, after, insights })).customers;
  const live = useLive<Page>(
    `customers ${search}`,
    (from) => read(from, null),
    () => [stream(comeAndGo, {}, 'readAgain')],
  );
  const [reading, setReading] = useState(false);

  async function readMore(page: Page) {
    setReading(true);
    try {
      const more = await read(gateway, page.pageInfo.endCursor ?? null);
      live.change((now) => ({ ...more, nodes: [...now.nodes, ...more.nodes] }));
    } finally {
      setReading(false);
    }
  }

  return (
    <>
      <PageHead title="Customers" sub={search ? 'Best matches first' : 'Newest first'}>
        <TextInput
          className="find"
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          placeholder="Name, company, e-mail or phone"
          aria-label="Search customers"
          leftSection={<IconSearch size={16} stroke={1.75} aria-hidden />}
        />
      </PageHead>
      <section className="card" aria-label="Customers">
        <ListState
          live={live}
          what="the customers"
          skeleton={{ rows: 10, height: 53 }}
          isEmpty={({ nodes }) => nodes.length === 0}
          empty={
            <>
              <IconUserSearch aria-hidden size={28} stroke={1.5} />
              <strong>{search ? `Nobody found for "${search}"` : 'No customers yet'}</strong>
              <p>
                {search
                  ? 'The beginnings of words are enough, in any order; case and accents do not matter.'
                  : 'They appear here when somebody books, or when a file is imported.'}
              </p>
              {search && (
                <Button variant="default" onClick={() => setQuery('')}>
                  Clear the search
                </Button>
              )}
            </>
          }
        >
          {(page) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: keys go to the links within
            <div onKeyDown={arrowKeys}>
              <Table className="people" verticalSpacing={0} horizontalSpacing={0}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Customer</Table.Th>
                    <Table.Th>Contact</Table.Th>
                    {insights && <Table.Th>Stage</Table.Th>}
                    {insights && <Table.Th className="number">Bookings</Table.Th>}
                    <Table.Th className="number">Added</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {page.nodes.map((customer) => (
                    <Table.Tr key={customer.id}>
                      <Table.Td className="who">
                        <span className="avatar" aria-hidden>
                          {initialsOf(nameOf(customer))}
                        </span>
                        <Link to="/customers/$id" params={{ id: customer.id }} data-row className="row-link">
                          {nameOf(customer)}
                        </Link>
                      </Table.Td>
                      <Table.Td className="contact">
                        <span className="clip" title={customer.email ?? undefined}>
                          {customer.email ?? ''}
                        </span>
                        <span className="muted tabular">{customer.phone ?? ''}</span>
                      </Table.Td>
                      {insights && (
                        <Table.Td className="stage">
                          {customer.lifecycleStage && stageWords[customer.lifecycleStage]}
                        </Table.Td>
                      )}
                      {insights && <Table.Td className="number">{customer.stats?.totalBookings}</Table.Td>}
                      <Table.Td className="number muted added">
                        <Ago at={customer.createdAt} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
              {page.pageInfo.hasNextPage && (
                <div className="more">
                  <Button variant="default" loading={reading} onClick={() => void readMore(page)}>
                    Show more
                  </Button>
                </div>
              )}
            </div>
          )}
        </ListState>
      </section>
    </>
  );
}
