import { MultiSelect, TagsInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useSession } from '../api/session.tsx';
import { changeTags, type Tag, tagNames } from './tagVerbs.ts';

interface Props {
  customerId: string;
  tags: readonly Tag[];
  apply(tags: Tag[]): void;
  onClose(): void;
}

/** The tags of a customer as a field: what is chosen is put on at once. New names are for those who may make tags. */
export function TagEditor({ customerId, tags, apply, onClose }: Props) {
  const { gateway, may } = useSession();
  const [known, setKnown] = useState<string[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const worn = tags.map(({ name }) => name);
  useEffect(() => {
    tagNames(gateway).then(setKnown, (refused: Error) => setProblem(refused.message));
  }, [gateway]);

  async function change(wanted: string[]) {
    setProblem(null);
    await changeTags(gateway, customerId, worn, wanted, apply).catch((refused: Error) =>
      setProblem(refused.message),
    );
  }

  const props = {
    'aria-label': 'Tags',
    size: 'xs',
    placeholder: 'Add a tag',
    value: worn,
    onChange: change,
    error: problem,
    data: [...new Set([...known, ...worn])],
    'data-autofocus': true,
    autoFocus: true,
    comboboxProps: { shadow: 'md', transitionProps: { duration: 100 } },
  } as const;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what the field within has open
    <div
      ref={frame}
      className="tag-editor"
      onKeyDown={({ key }) => key === 'Escape' && onClose()}
      onBlur={({ relatedTarget }) => {
        if (!problem && !frame.current?.contains(relatedTarget)) onClose();
      }}
    >
      {may('TAGS_WRITE') ? (
        <TagsInput {...props} splitChars={[',']} />
      ) : (
        <MultiSelect {...props} searchable hidePickedOptions nothingFoundMessage="No such tag" />
      )}
    </div>
  );
}
