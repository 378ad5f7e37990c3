import { type Command, Option } from 'commander'

import { findApiTarget } from '../api-target.ts'
import type { Cli } from '../cli.ts'
import { CliError, exitCodeOfAnswer } from '../errors.ts'
import { addExamples } from '../help.ts'
import { checkPath, methods, type RawAnswer, send } from '../raw-call.ts'
import type { ListedRoute, RouteField } from '../route-description.ts'
import { renderTable } from '../table.ts'

interface ApiFlags {
  method?: string
  field: string[]
  rawField: string[]
  data?: string
  query: string[]
  header: string[]
  include?: boolean
  list?: boolean
  describe?: boolean
}

/** `api`: any route, for what no other command does. */
export function addApi(program: Command, cli: Cli): void {
  const command = program
    .command('api')
    .description('Call any route of the API, or show which there are.')
    .argument('[path]', 'Path of the route, as /projects.')
    .addOption(
      new Option(
        '-X, --method <method>',
        'GET, POST, PUT, PATCH or DELETE; POST with a body unless given, else GET.',
      ).argParser((text) => text.toUpperCase()),
    )
    .addOption(repeatable('-F, --field <name=value>', 'Field of the body, as branch.name=dev.'))
    .addOption(repeatable('-f, --raw-field <name=value>', 'The same, as text in any case.'))
    .option('-d, --data <json>', 'The whole body: JSON, @file, or - for what comes in.')
    .addOption(repeatable('-Q, --query <name=value>', 'Parameter of the query.'))
    .addOption(repeatable('-H, --header <name:value>', 'Header of the request.'))
    .option('-i, --include', 'Also show the status and the headers of the answer.')
    .option('--list', 'Show all routes instead.')
    .option('--describe', 'Show what the route takes instead.')
    .addOption(new Option('--refresh', 'The routes are always those of this version.').hideHelp())
  addExamples(command, [
    ['api /projects', 'List projects'],
    ['api /projects/quiet-sea-12345678/branches -F branch.name=dev', 'Create a branch'],
    ['api /projects/{project_id}/branches -X POST --describe', 'What that takes'],
  ]).action(async (path: string | undefined, flags: ApiFlags) => {
    if (flags.method !== undefined && !methods.some((method) => method === flags.method)) {
      throw new CliError(`${flags.method} is none of ${methods.join(', ')}.`)
    }
    if (flags.list || path === 'list' || path === 'ls') return list(cli)
    if (path === undefined) {
      throw new CliError('Which route?', { advice: '`coppice api --list` shows them.' })
    }
    return flags.describe ? describe(cli, path, flags) : call(cli, path, flags)
  })
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} Repeatable.`)
    .argParser((value: string, before: string[]) => [...before, value])
    .default([])
}

async function call(cli: Cli, path: string, flags: ApiFlags): Promise<void> {
  const target = await findApiTarget(cli)
  const { method, field: fields, rawField: rawFields, query, header: headers, data } = flags
  const request = { path, method, fields, rawFields, query, headers, data }
  const answer = await send(target, request, cli.config.cwd)
  if (flags.include) cli.output.line(headOf(answer))
  const { body } = answer
  if (typeof body === 'string') {
    if (body !== '') cli.output.line(body)
  } else {
    await cli.output.answer(body, () => JSON.stringify(body, null, 2))
  }
  if (answer.status >= 400) cli.result.exitCode = exitCodeOfAnswer(codeOf(body), answer.status)
}

function headOf({ status, statusText, headers }: RawAnswer): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`)
  return [`HTTP ${status} ${statusText}`.trimEnd(), ...lines, ''].join('\n')
}

function codeOf(body: unknown): string {
  const isError = typeof body === 'object' && body !== null && 'code' in body
  return isError ? String(body.code) : ''
}

async function list(cli: Cli): Promise<void> {
  const { listRoutes } = await import('../route-description.ts')
  const routes = listRoutes()
  await cli.output.answer(routes, () =>
    renderTable<ListedRoute>(
      [
        { title: 'method', value: (route) => route.method },
        { title: 'path', value: (route) => route.path },
        { title: 'summary', value: (route) => route.summary },
      ],
      routes,
    ),
  )
}

async function describe(cli: Cli, path: string, { method = 'GET' }: ApiFlags): Promise<void> {
  const { describeRoute } = await import('../route-description.ts')
  const route = describeRoute(method, checkPath(path))
  if (!route) {
    throw new CliError(`There is no route ${method} ${path}.`, {
      advice: '`coppice api --list` shows the routes; -X says which method is meant.',
    })
  }
  const { endpoint, parameters } = route
  await cli.output.answer(route, async () => {
    const title = `${endpoint.method} ${endpoint.path}: ${endpoint.summary}`
    const table = parameters.length > 0 ? await fieldTable(parameters) : 'It takes nothing.'
    return `${title}\n\n${table}`
  })
}

async function fieldTable(fields: readonly RouteField[]): Promise<string> {
  return renderTable<RouteField>(
    [
      { title: 'in', value: (field) => field.in },
      { title: 'name', value: (field) => field.name },
      { title: 'required', value: (field) => (field.required ? 'required' : 'optional') },
      { title: 'type', value: (field) => field.type },
    ],
    fields,
  )
}
