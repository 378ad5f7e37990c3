/** What of a platform programs have to be told besides the connection string. */
export interface SnippetPlatform {
  /** The authority that has signed the certificate, where that is the platform's own. */
  caFile: string | undefined
  /** Of SQL over HTTP and WebSockets; undefined where it is not told. */
  sqlPort: number | undefined
}

export interface SnippetInput extends SnippetPlatform {
  /** The one that is looked at: one of the two others. */
  uri: string
  pooledUri: string
  directUri: string
}

export interface Snippet {
  id: string
  label: string
  /** A sentence above it. */
  note?: (input: SnippetInput) => string | undefined
  render: (input: SnippetInput) => string
}

/** Node verifies every certificate, and learns of other authorities only as it starts. */
const trust = ({ caFile }: SnippetInput): string =>
  caFile === undefined ? '' : `// Before Node starts: export NODE_EXTRA_CA_CERTS=${caFile}\n`

/** libpq and pgx encrypt by `sslmode=require`, and verify when they are told by whom. */
const verifying = ({ caFile }: SnippetInput): string | undefined =>
  caFile === undefined
    ? undefined
    : `To verify the server as well: sslmode=verify-full&sslrootcert=${caFile} instead of sslmode=require.`

/** A word of a shell that is taken as it stands. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The driver asks on 443 unless it is told; the port of the string it ignores. */
function driverConfig({ uri, sqlPort }: SnippetInput): string {
  if (sqlPort === 443) return ''
  const { hostname } = new URL(uri)
  const port = sqlPort ?? defaultSqlPort
  const unsure = sqlPort === undefined ? ' // unless `coppice status` says otherwise' : ''
  return `neonConfig.fetchEndpoint = 'https://${hostname}:${port}/sql'${unsure}
neonConfig.wsProxy = ${hostname === 'localhost' ? `'localhost:${port}/v2'` : `(host) => \`\${host}:${port}/v2\``}

`
}

const defaultSqlPort = 8443

/** How programs connect, in the order in which they are offered. Complete: pasted, they run. */
export const snippets: readonly Snippet[] = [
  {
    id: 'psql',
    label: 'psql',
    note: verifying,
    render: ({ uri }) => `psql ${shellQuoted(uri)}`,
  },
  {
    id: 'env',
    label: '.env',
    render: ({ pooledUri, directUri, caFile }) =>
      [
        '# For the application: transactions are pooled.',
        `DATABASE_URL="${pooledUri}"`,
        '# For migrations, pg_dump and LISTEN: a session of its own.',
        `DIRECT_URL="${directUri}"`,
        ...(caFile === undefined
          ? []
          : [
              '# Node reads this one from its environment alone: export it before Node starts.',
              `NODE_EXTRA_CA_CERTS="${caFile}"`,
            ]),
      ].join('\n'),
  },
  {
    id: 'node-postgres',
    label: 'node-postgres',
    note: () => 'npm install pg',
    render: (input) => `${trust(input)}import { Pool } from 'pg'

const pool = new Pool({ connectionString: process.env.DATABASE_URL })

const { rows } = await pool.query('select version()')
console.log(rows[0].version)
await pool.end()`,
  },
  {
    id: 'serverless',
    label: 'Serverless driver',
    note: () => 'npm install @neondatabase/serverless',
    render: (
      input,
    ) => `${trust(input)}import { neon${driverConfig(input) && ', neonConfig'} } from '@neondatabase/serverless'

${driverConfig(input)}const sql = neon(process.env.DATABASE_URL)

const [row] = await sql\`select version()\`
console.log(row.version)`,
  },
  {
    id: 'drizzle',
    label: 'Drizzle',
    note: () => 'npm install drizzle-orm pg',
    render: (input) => `${trust(input)}import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'

const db = drizzle(process.env.DATABASE_URL)

const { rows } = await db.execute(sql\`select version()\`)
console.log(rows[0].version)
await db.$client.end()`,
  },
  {
    id: 'prisma',
    label: 'Prisma',
    note: () =>
      'npm install prisma @prisma/client @prisma/adapter-pg dotenv; then npx prisma generate. Migrations use the direct string.',
    render: (input) => `// prisma.config.ts
import 'dotenv/config'
import { defineConfig, env } from 'prisma/config'

export default defineConfig({
  schema: 'prisma/schema.prisma',
  datasource: { url: env('DIRECT_URL') },
})

// prisma/schema.prisma
datasource db {
  provider = "postgresql"
}

generator client {
  provider = "prisma-client"
  output   = "../generated/prisma"
}

// index.ts
${trust(input)}import 'dotenv/config'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/prisma/client'

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL })
const prisma = new PrismaClient({ adapter })

const [row] = await prisma.$queryRaw<{ version: string }[]>\`select version()\`
console.log(row?.version)
await prisma.$disconnect()`,
  },
  {
    id: 'python',
    label: 'Python',
    note: (input) => ['pip install "psycopg[binary]".', verifying(input)].filter(Boolean).join(' '),
    render: () => `import os

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    version = connection.execute("select version()").fetchone()[0]
    print(version)`,
  },
  {
    id: 'go',
    label: 'Go',
    note: (input) =>
      ['go get github.com/jackc/pgx/v5.', verifying(input)].filter(Boolean).join(' '),
    render: () => `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
)

func main() {
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
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
