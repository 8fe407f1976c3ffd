// Prices of 345 houses, each with four photographs (bathroom, bedroom, front, kitchen) of which the bundled model's
// vectors are taken: from the photographs alone, from the numbers alone (bedrooms, bathrooms, area, postal code), and from
// both; logarithms fitted, errors in dollars. Beside scikit-learn's ridge on the same features, folds and grid.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fitRegression, openVectorSet } from '../../dist/analysis/index.js';
import { embedToFile } from '../../dist/embedding/index.js';
import { inTurn, pythonHas } from '../lib.mjs';

const ITEM = /(\d+)_(\w+)\.\w+$/;
const METHODS = ['ridge', 'kernel-ridge', 'svr', 'knn', 'trees'];
const SKLEARN = `
import json, re, sys
import numpy as np, pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
job = json.load(sys.stdin)
rows = pd.read_parquet(job["file"])
rows["house"] = [int(re.search(r"(\\d+)_(\\w+)\\.", i).group(1)) for i in rows.id]
rows = rows.sort_values(["house", "id"])
images = {h: np.concatenate(list(own)) for h, own in rows.groupby("house").embedding}
table = pd.read_csv(job["table"]).set_index("house")
houses = sorted(set(images) & set(table.index))
x = np.stack([images[h] for h in houses])
table = table.loc[houses].reset_index(drop=True)
y = np.log(table.price_usd.values)
numbers = ["bedrooms", "bathrooms", "area_sqft"]

class Block(StandardScaler):
    """Centred, and as a whole scaled to a mean squared length of 1."""
    def __init__(self): super().__init__(with_std=False)
    def fit(self, X, y=None):
        super().fit(X); self.unit_ = np.sqrt(((X - self.mean_) ** 2).sum(1).mean()); return self
    def transform(self, X): return super().transform(X) / self.unit_

def features(kind):
    wide = pd.DataFrame(x, columns=[f"v{i}" for i in range(x.shape[1])])
    frame = pd.concat([wide, table], axis=1)
    beside = [("n", StandardScaler(), numbers),
              ("z", OneHotEncoder(min_frequency=2, handle_unknown="ignore", sparse_output=False), ["zipcode"])]
    image = [("i", Block(), list(wide.columns))]
    parts = {"images": image, "columns": beside, "both": image + beside}[kind]
    weights = [{"i": w, "n": 1, "z": 1} for w in ([0.3, 1, 3] if kind == "both" else [1])]
    return frame, parts, weights

def errors(kind):
    frame, parts, weights = features(kind)
    from sklearn.model_selection import cross_val_predict
    pipe = make_pipeline(ColumnTransformer(parts), Ridge())
    grid = {"ridge__alpha": [0.01, 0.1, 1, 10, 100, 1000],
            "columntransformer__transformer_weights": [{k: v for k, v in w.items() if k in [p[0] for p in parts]} for w in weights]}
    inner = GridSearchCV(pipe, grid, cv=KFold(5, shuffle=True, random_state=1))
    said = []
    for seed in range(job["repeats"]):
        p = cross_val_predict(inner, frame, y, cv=KFold(5, shuffle=True, random_state=seed))
        said.append((r2_score(y, p), mean_absolute_error(np.exp(y), np.exp(p))))
    return np.mean(said, 0).tolist()
print(json.dumps({kind: errors(kind) for kind in ["images", "columns", "both"]}))
`;

const dollars = (value) => Math.round(value).toLocaleString('en');

export async function houses({ data, python, log }) {
  const folder = path.join(data, 'houses');
  const table = path.join(folder, 'houses.csv');
  if (!existsSync(table)) return { skipped: `there is no ${table}` };
  const cache = path.join(tmpdir(), 'afterimage-bench-houses');
  mkdirSync(cache, { recursive: true });
  const file = path.join(cache, 'mini-clip.parquet');
  if (!existsSync(file)) await embedToFile({ inputs: [folder] }, file, { resume: true });
  const set = await openVectorSet(file, { table, idColumn: 'house', item: ITEM });
  const seeds = [0, 1, 2];
  const rows = await inTurn(METHODS, async (method) => {
    const start = performance.now();
    const runs = await inTurn(method === 'trees' ? [0] : seeds, async (seed) => {
      const regression = await fitRegression(set, {
        item: ITEM,
        target: 'price_usd',
        columns: ['bedrooms', 'bathrooms', 'area_sqft'],
        categories: ['zipcode'],
        transform: 'log',
        method,
        seed,
        permutations: method === 'ridge' && seed === 0 ? 20 : 0,
        resamples: 200,
      });
      await regression.close();
      return regression.summary;
    });
    const seconds = (performance.now() - start) / 1000;
    const mean = (of) => runs.reduce((sum, one) => sum + of(one), 0) / runs.length;
    const both = (kind) =>
      `${mean((s) => s.crossValidated[kind].logR2.value).toFixed(3)} / ${dollars(mean((s) => s.crossValidated[kind].metrics.mae.value))}`;
    log(`houses: ${method}: ${seconds.toFixed(1)} s`);
    const { permuted } = runs[0];
    return [
      method,
      both('images'),
      both('columns'),
      both('all'),
      permuted
        ? `${Math.min(...permuted.r2s).toFixed(3)} to ${Math.max(...permuted.r2s).toFixed(3)}, p = ${permuted.p.toFixed(3)}`
        : '',
      `${(100 * mean((s) => s.coverage.measured.value)).toFixed(1)} %`,
    ];
  });
  await set.close();
  if (pythonHas('sklearn') && pythonHas('pandas')) {
    const said = JSON.parse(
      execFileSync(python, ['-c', SKLEARN], {
        input: JSON.stringify({ file, table, repeats: seeds.length }),
        maxBuffer: 2 ** 28,
        stdio: ['pipe', 'pipe', 'ignore'],
      }),
    );
    const cell = ([r2, mae]) => `${r2.toFixed(3)} / ${dollars(mae)}`;
    rows.push(['scikit-learn, ridge', cell(said.images), cell(said.columns), cell(said.both), '', '']);
  }
  return {
    head: [
      'R² of log price / mean error in $',
      'photographs',
      'numbers',
      'both',
      'photographs of other houses',
      '90 % intervals hold',
    ],
    rows,
    note: 'Prices of 345 houses: mini-clip vectors of four photographs each, side by side; numbers are bedrooms, bathrooms, area and postal code. Nested cross-validation in 5 folds, the mean of 3 divisions (trees: 1); scikit-learn nests a grid search of its own. Predicting the mean: 337,184 $.',
  };
}
