import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { distinct } from '../../codegen.ts';

const source = (rawSDL: string) => ({ rawSDL, document: parse(rawSDL), location: 'some.test.ts' });

const names = (texts: string[]) =>
  distinct(texts.map(source)).flatMap(({ document }) =>
    document?.definitions.map((definition) => 'name' in definition && definition.name?.value),
  );

describe('Documents for codegen', () => {
  test('get a name of their own when several files use the same, or none', () => {
    const texts = ['query Read { a }', 'query Read { b }', '{ a }', '{ b }', 'mutation Write { c }'];
    expect(names(texts)).toEqual(['Read', 'Read_2', 'Unnamed', 'Unnamed_2', 'Write']);
  });

  test('are typed once when several files send the same text', () => {
    expect(names(['query Read { a }', 'query Read { a }'])).toEqual(['Read']);
  });

  test('keep the names of their fragments', () => {
    expect(names(['query Read { ...Part } fragment Part on Query { a }'])).toEqual(['Read', 'Part']);
  });
});
