/** What of a platform programs have to be told besides the connection string. */
export interface SnippetPlatform {
  /** The authority that has signed the certificate, where that is the platform's own. */
  caFile: string | undefined
  /** Of SQL over HTTP and WebSockets. */
  sqlPort: number | undefined
}

export interface SnippetInput extends SnippetPlatform {
  uri: string
  pooled: boolean
}

export interface Snippet {
  id: string
  label: string
  /** A sentence above it. */
  note?: string
  render: (input: SnippetInput) => string
}

/** Programs that check certificates have to know the platform's own authority. */
const trust = ({ caFile }: SnippetInput): string =>
  caFile === undefined ? '' : `// Before it: export NODE_EXTRA_CA_CERTS=${caFile}\n`

/** A word of a shell that is taken as it stands. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** How programs connect, in the order in which they are offered. Complete: pasted, they run. */
export const snippets: readonly Snippet[] = [
  { id: 'psql', label: 'psql', render: ({ uri }) => `psql ${shellQuoted(uri)}` },
  { id: 'env', label: '.env', render: ({ uri }) => `DATABASE_URL="${uri}"` },
  {
    id: 'node-postgres',
    label: 'node-postgres',
    note: 'npm install pg',
    render: (input) => `${trust(input)}import { Pool } from 'pg'

const pool = new Pool({ connectionString: process.env.DATABASE_URL })

const { rows } = await pool.query('select version()')
console.log(rows[0].version)
await pool.end()`,
  },
  {
    id: 'serverless',
    label: 'Serverless driver',
    note: 'npm install @neondatabase/serverless',
    render: (input) => `${trust(input)}import { neon, neonConfig } from '@neondatabase/serverless'

neonConfig.fetchEndpoint = 'https://localhost:${input.sqlPort ?? 8443}/sql'

const sql = neon(process.env.DATABASE_URL)

const [row] = await sql\`select version()\`
console.log(row.version)`,
  },
  {
    id: 'drizzle',
    label: 'Drizzle',
    note: 'npm install drizzle-orm pg',
    render: (input) => `${trust(input)}import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'

const db = drizzle(process.env.DATABASE_URL)

const { rows } = await db.execute(sql\`select version()\`)
console.log(rows[0].version)`,
  },
  {
    id: 'prisma',
    label: 'Prisma',
    note: 'prisma/schema.prisma; migrations need the direct string.',
    render: () => `datasource db {
  provider  = "postgresql"
  url       = env("DATABASE_URL")
  directUrl = env("DIRECT_URL")
}

generator client {
  provider = "prisma-client-js"
}`,
  },
  {
    id: 'python',
    label: 'Python',
    note: 'pip install "psycopg[binary]"',
    render: () => `import os

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    version = connection.execute("select version()").fetchone()[0]
    print(version)`,
  },
  {
    id: 'go',
    label: 'Go',
    note: 'go get github.com/jackc/pgx/v5',
    render: ({ pooled }) => `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
)

func main() {
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))${
    pooled ? ' // prepared statements work with the pooler' : ''
  }
	if err != nil {
		panic(err)
	}
	defer connection.Close(ctx)

	var version string
	if err := connection.QueryRow(ctx, "select version()").Scan(&version); err != nil {
		panic(err)
	}
	fmt.Println(version)
}`,
  },
]

/** The connection string with its password as dots, for the screen. */
export function hidePassword(text: string): string {
  return text.replace(/(postgresql:\/\/[^:@/\s]+:)[^@\s]+@/g, '$1••••••••@')
}
