import './actions.css';
import { ActionIcon } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { lazy, Suspense, useRef, useState } from 'react';
import { useSession } from '../api/session.tsx';
import type { Tag } from './tagVerbs.ts';

const TagEditor = lazy(() => import('./TagEditor.tsx').then((module) => ({ default: module.TagEditor })));

interface Props {
  customerId: string;
  tags: readonly Tag[];
  apply(tags: Tag[]): void;
}

/** What a customer wears; who may change that presses the button behind it. */
export function CustomerTags({ customerId, tags, apply }: Props) {
  const mayChange = useSession().may('TAGS_ASSIGN');
  const [editing, setEditing] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    const had = document.activeElement?.closest('.tag-editor');
    setEditing(false);
    if (had) requestAnimationFrame(() => button.current?.focus());
  };
  const shown = tags.map(({ id, name }) => (
    <span key={id} className="tag">
      {name}
    </span>
  ));
  if (!mayChange) return shown;
  if (editing)
    return (
      <Suspense fallback={shown}>
        <TagEditor customerId={customerId} tags={tags} apply={apply} onClose={close} />
      </Suspense>
    );
  return (
    <>
      {shown}
      <ActionIcon
        ref={button}
        variant="default"
        size={22}
        radius="xl"
        aria-label={tags.length > 0 ? 'Change the tags' : 'Add a tag'}
        title={tags.length > 0 ? 'Change the tags' : 'Add a tag'}
        onClick={() => setEditing(true)}
      >
        <IconPlus size={14} />
      </ActionIcon>
    </>
  );
}
