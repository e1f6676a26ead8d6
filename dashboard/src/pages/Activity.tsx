import '../parts/card.css';
import { Button, Chip, Group } from '@mantine/core';
import { IconArrowUp, IconBolt } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FeedPage, feedPageStream, readFeedPage } from '../api/feed.ts';
import { useLive } from '../api/useLive.ts';
import { ListState } from '../parts/ListState.tsx';
import { PageHead } from '../shell/PageHead.tsx';
import { ActivityStream } from './ActivityStream.tsx';
import { activityGroups, typesOf } from './activityGroups.ts';

/** Everything that happens, as it happens, and back to the beginning. */
export function Activity() {
  const { show = '' } = useSearch({ from: '/activity' });
  const navigate = useNavigate();
  const chosen = show.split(',').filter((name) => name in activityGroups);
  const types = typesOf(chosen);
  const live = useLive<FeedPage>(
    `activity ${types}`,
    (gateway) => readFeedPage(gateway, types, null),
    () => [feedPageStream(types)],
  );
  const choose = (names: string[]) =>
    navigate({ to: '/activity', search: names.length ? { show: names.join(',') } : {}, replace: true });

  return (
    <>
      <PageHead title="Activity" sub="Everything that happens, as it happens">
        <Chip.Group multiple value={chosen} onChange={choose}>
          <Group gap={6} role="group" aria-label="Show only" className="chips">
            {Object.entries(activityGroups).map(([name, { label }]) => (
              <Chip key={name} value={name} size="xs" variant="outline">
                {label}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      </PageHead>
      <section className="card fill" aria-label="Activity">
        <ListState
          live={live}
          what="the activity"
          skeleton={{ rows: 12, height: 57 }}
          isEmpty={({ items }) => items.length === 0}
          empty={
            <>
              <IconBolt aria-hidden size={28} stroke={1.5} />
              <strong>{types ? 'Nothing of this kind yet' : 'Nothing has happened yet'}</strong>
              <p>It appears here the moment it happens.</p>
              {types && (
                <Button variant="default" leftSection={<IconArrowUp size={16} />} onClick={() => choose([])}>
                  Show everything
                </Button>
              )}
            </>
          }
        >
          {(page) => (
            <ActivityStream
              key={show}
              page={page}
              readOlder={(gateway) => readFeedPage(gateway, types, page.older)}
              onOlder={(older) =>
                live.change(({ items }) => {
                  const known = new Set(items.map(({ id }) => id));
                  return {
                    items: [...items, ...older.items.filter(({ id }) => !known.has(id))],
                    older: older.older,
                  };
                })
              }
            />
          )}
        </ListState>
      </section>
    </>
  );
}
