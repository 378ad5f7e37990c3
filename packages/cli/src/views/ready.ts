import type { Output } from '../output.ts'
import type { ReadyEvent } from '../serve.ts'
import { renderDetails } from '../table.ts'

/** What `up` ends with: where everything is, how to connect, what to do next. */
export async function readyScreen(ready: ReadyEvent, output: Output): Promise<string> {
  const title = ready.already_running ? 'Coppice is running already.' : 'Coppice is running.'
  const { pool } = ready
  const warnings = [...(pool.warning === undefined ? [] : [pool.warning]), ...ready.notes]
  return [
    output.style('bold', title),
    await renderDetails([
      ['Console', `${ready.console_url} (\`coppice console\` signs in)`],
      ['API', ready.api_url],
      ['API key', `in ${ready.api_key_file}`],
      ['PostgreSQL', ready.postgres_version],
      [
        'Ports',
        `${ready.direct_port} direct, ${ready.pooled_port} pooled, ${ready.sql_port} SQL over HTTP`,
      ],
      ['Storage', `${pool.driver} in ${pool.path}`],
    ]),
    ...(ready.connection_uri === undefined
      ? []
      : [`${output.style('bold', 'Connect')}\n  ${output.style('cyan', ready.connection_uri)}`]),
    ...(warnings.length > 0 ? [warnings.map((note) => `Note: ${note}`).join('\n')] : []),
    `${output.style('bold', 'Next')}\n${await nextCommands()}`,
  ].join('\n\n')
}

async function nextCommands(): Promise<string> {
  return renderDetails([
    ['  coppice psql', 'open a session'],
    ['  coppice branches create --name dev', 'branch the database'],
    ['  coppice connection-string dev', 'connect to the branch'],
  ])
}
