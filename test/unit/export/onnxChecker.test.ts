/** @file Runs in tests. ONNX files before ONNX's own checker, where Python has it: shapes and types of every node. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ONNX_FILES, writeDiagnosticOnnx, writeOnnx } from '../../../main/export/onnx/writeOnnx.ts';
import { emptyExportFolder, NETWORKS, randomModel } from '../../support/exportedModels.ts';
import { pythonWith, runPython } from '../../support/pythonWith.ts';

const CHECK = `
import sys, onnx
for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True, data_prop=True)
    print([d.dim_param or d.dim_value for o in model.graph.output for d in o.type.tensor_type.shape.dim])
`;

describe.each(NETWORKS)('%s', (_, config) => {
  it('is accepted in every precision, and as a diagnostic copy', async ({ skip }) => {
    const python = pythonWith(['onnx'], skip);
    const model = await randomModel(config);
    const [folder, diagnostic] = [emptyExportFolder(), emptyExportFolder()];
    await writeOnnx(model, folder, { precisions: ['fp32', 'fp16', 'int8'] });
    const copy = await writeDiagnosticOnnx(model, diagnostic, { precision: 'int8' });
    const paths = Object.values(ONNX_FILES).map((name) => join(folder.path, name));
    const checked = runPython(python, CHECK, [...paths, join(diagnostic.path, copy.name)]);
    expect(checked.stderr).toBe('');
    expect(checked.stdout.split('\n').slice(0, 3)).toEqual(Array(3).fill(`['batch', ${config.classes}]`));
    await model.close();
  });
});
