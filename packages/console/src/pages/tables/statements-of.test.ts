import { expect, test } from 'vitest'

import { statementsOf } from './statements-of.ts'

const script = `--
-- Schema of a PostgreSQL database
--

SET lock_timeout = 0;

--
-- TABLE public.film
--

CREATE TABLE public.film (
    id integer NOT NULL
);

--
-- TABLE sales."Order ""x"""
--

CREATE TABLE sales."Order ""x""" (id integer REFERENCES public.film);

--
-- VIEW public.films
--

CREATE VIEW public.films AS SELECT id FROM public.film;

--
-- INDEX film_id
--

CREATE INDEX film_id ON public.film USING btree (id);

--
-- Privileges
--

GRANT SELECT ON TABLE public.films TO reader;
GRANT SELECT ON TABLE public.film TO reader;
`

test('a table has its own statements, and none of who refers to it', () => {
  expect(statementsOf(script, { schema: 'public', name: 'film' })).toBe(
    [
      'CREATE TABLE public.film (\n    id integer NOT NULL\n);',
      'CREATE INDEX film_id ON public.film USING btree (id);',
      'GRANT SELECT ON TABLE public.film TO reader;',
    ].join('\n\n'),
  )
  expect(statementsOf(script, { schema: 'sales', name: 'Order "x"' })).toContain('"Order ""x"""')
})
