#!/usr/bin/env bash
# Reruns every figure of the README into benchmarks/results. Needs TASTEMATE_DATA or fetched data sets.
# About 25 minutes on two cores; needs the extras spark and bench for two of them. `--final` rows read the test split and are logged in final.log.
set -euo pipefail
cd "$(dirname "$0")/.."
out=benchmarks/results
run() { local name=$1; shift; echo "== $name: tastemate $*" >&2; .venv/bin/tastemate "$@" --json > "$out/$name.new"; mv "$out/$name.new" "$out/$name.json"; }

for ties in id shuffle-1 shuffle-2; do
  run "next-item-fast-$ties" evaluate --protocol next-item --dataset ml-latest-small --model fast --ties "$ties" --final
done
for model in popular item-knn user-knn als implicit-als bpr logistic ease transition sequential-knn content fast balanced best; do
  run "next-item-validation-$model" evaluate --protocol next-item --dataset ml-latest-small --model "$model"
done
run next-item-beauty-sequential-knn evaluate --protocol next-item --dataset beauty --model sequential-knn --final
run next-item-films evaluate --protocol next-item --dataset films --model balanced
run tune-als tune als --dataset ml-latest-small --against spark --fresh
run cold-item evaluate --protocol cold-item --dataset ml-latest-small
run cold-user evaluate --protocol cold-user --dataset ml-latest-small
run beyond-accuracy evaluate --protocol beyond-accuracy --dataset ml-latest-small
run global-time evaluate --protocol global-time --dataset ml-latest-small
run deletion benchmark deletion --dataset ml-latest-small
run generation evaluate --protocol generation --dataset ml-latest-small -m fast -m implicit-als -m ease-likes -m item-knn
run chaos benchmark chaos
run injection benchmark injection
.venv/bin/tastemate benchmark injection --held --json > "$out/injection-held.json" || true  # some get through: said in the table
run position benchmark position
run tokens benchmark tokens --dataset ml-latest-small
run worked-example benchmark worked-example --dataset ml-latest-small --user 12
run audit audit --dataset films -m fast -m popular
run speed benchmark speed --dataset ml-latest-small
.venv/bin/python scripts/figures.py
