import '@mantine/spotlight/styles.css';
import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight, useSpotlight } from '@mantine/spotlight';
import { IconCalendarEvent, IconSearch, IconUser } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../api/graphql.ts';
import { useSession } from '../api/session.tsx';
import type { FindQuery } from '../generated/graphql.ts';
import { clockTime, shortDate } from '../parts/time.ts';
import { nameOf, statusWords } from '../parts/words.ts';
import { places } from './places.ts';

const find = graphql(`
  query Find($search: String!, $reference: String!, $byReference: Boolean!) {
    customers(search: $search, first: 6) { nodes { id fullName email phone companyName } }
    bookings(filter: { reference: { eq: $reference } }, first: 1) @include(if: $byReference) {
      nodes { id reference startsAt timeZone status service { name } customer { id fullName email } }
    }
  }
`);

/** As references are made: letters and digits, five and five. */
const looksLikeReference = /^[a-z0-9]{5}-?[a-z0-9]{5}$/i;

const [store, palette] = createSpotlight();

/** Goes to a page, a customer or a booking; opens whenever it is asked for once more. */
export function Palette({ asked }: { asked: number }) {
  const { opened } = useSpotlight(store);
  const { may } = useSession();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [settled] = useDebouncedValue(query.trim(), 150);
  const compact = settled.replace('-', '').toUpperCase();
  const [{ data, fetching, error }] = useQuery<FindQuery>({
    query: find as unknown as string,
    variables: {
      search: settled,
      reference: `${compact.slice(0, 5)}-${compact.slice(5)}`,
      byReference: looksLikeReference.test(settled) && may('BOOKINGS_READ'),
    },
    pause: settled.length < 2 || !opened,
  });
  useEffect(() => {
    if (asked > 0) palette.open();
  }, [asked]);

  const here = places.filter(({ label }) => label.toLowerCase().includes(query.trim().toLowerCase()));
  const found = settled.length >= 2 && query.trim().length >= 2 ? data : undefined;
  const booking = found?.bookings?.nodes[0];
  const customers = found?.customers.nodes ?? [];
  const go = (id: string) => () => navigate({ to: '/customers/$id', params: { id } });
  const nothing = here.length + customers.length === 0 && !booking;

  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      store={store}
      className="palette"
      attributes={{ content: { 'aria-label': 'Search or go to' } }}
      clearQueryOnClose
      shortcut={null}
      scrollable
      maxHeight={420}
      transitionProps={{ duration: 100 }}
      overlayProps={{ backgroundOpacity: 0.4, blur: 2 }}
    >
      <Spotlight.Search
        placeholder="A page, a customer's name, e-mail or phone, a booking reference"
        aria-label="Search or go to"
        onKeyDown={enterGoesToTheFirst}
        leftSection={<IconSearch size={18} aria-hidden />}
      />
      <Spotlight.ActionsList>
        {here.length > 0 && (
          <Spotlight.ActionsGroup label="Pages">
            {here.map(({ to, label, Icon }) => (
              <Spotlight.Action
                key={to}
                label={label}
                leftSection={<Icon size={18} stroke={1.75} />}
                onClick={() => void navigate({ to })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {booking && (
          <Spotlight.ActionsGroup label="Booking">
            <Spotlight.Action
              label={`${booking.reference}: ${booking.service.name}`}
              description={`${nameOf(booking.customer)}, ${shortDate(booking.startsAt, booking.timeZone)} ${clockTime(booking.startsAt, booking.timeZone)}, ${statusWords[booking.status].label.toLowerCase()}`}
              leftSection={<IconCalendarEvent size={18} stroke={1.75} />}
              onClick={go(booking.customer.id)}
            />
          </Spotlight.ActionsGroup>
        )}
        {customers.length > 0 && (
          <Spotlight.ActionsGroup label="Customers">
            {customers.map((customer) => (
              <Spotlight.Action
                key={customer.id}
                label={nameOf(customer)}
                description={[customer.email, customer.phone].filter(Boolean).join(' · ')}
                leftSection={<IconUser size={18} stroke={1.75} />}
                onClick={go(customer.id)}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {nothing && (
          <Spotlight.Empty>
            {error
              ? 'The search did not work. Try again.'
              : fetching
                ? 'Searching…'
                : `Nothing found for "${query}".`}
          </Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

/** What is found comes after what was typed, and nothing is chosen among it yet. */
function enterGoesToTheFirst({ key }: KeyboardEvent): void {
  const palette = document.querySelector('.palette');
  if (key === 'Enter' && !palette?.querySelector('[data-selected]'))
    palette?.querySelector<HTMLElement>('[data-action]')?.click();
}
