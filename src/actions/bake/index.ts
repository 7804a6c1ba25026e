import { runAction } from '../run.ts'
import { main } from './main.ts'
import { createReport } from './outputs.ts'

const report = createReport()
runAction({ main: () => main(report), onFailure: report.failure })
