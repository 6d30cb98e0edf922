#!/usr/bin/env bash
# Reruns every figure of the README into benchmarks/results. Needs TASTEMATE_DATA or fetched data sets.
# The extras spark and bench are needed for two of them; `talk` and `dialogues` encode texts, which takes minutes the first time. `--final` rows read the test split and are logged in final.log.
set -euo pipefail
cd "$(dirname "$0")/.."
out=benchmarks/results
run() { local name=$1; shift; echo "== $name: tastemate $*" >&2; .venv/bin/tastemate "$@" --json > "$out/$name.new"; mv "$out/$name.new" "$out/$name.json"; }

for ties in id shuffle-1 shuffle-2; do
  run "next-item-fast-$ties" evaluate --protocol next-item --dataset ml-latest-small --model fast --ties "$ties" --final
done
for model in popular item-knn user-knn als implicit-als bpr logistic ease transition sequential-knn content knowledge fast balanced linear best; do
  run "next-item-validation-$model" evaluate --protocol next-item --dataset ml-latest-small --model "$model"
done
run next-item-beauty-sequential-knn evaluate --protocol next-item --dataset beauty --model sequential-knn --final
run next-item-validation-fast-learned evaluate --protocol next-item --dataset ml-latest-small --model fast+learned
run next-item-validation-beauty-learned evaluate --protocol next-item --dataset beauty --cut 1 --limit-users 4000 --model fast+learned --model best
run next-item-shuffled evaluate --protocol next-item --dataset ml-latest-small --model best --shuffle-labels --cut 1
run llamarec-ml-latest-small benchmark llamarec --final --seeds 3
run llamarec-beauty benchmark llamarec --dataset beauty --final --seeds 1
run serving benchmark serving
run next-item-films evaluate --protocol next-item --dataset films --model balanced
.venv/bin/python scripts/choose_ranker.py --model best --out "$out/ranker-tried.json"
.venv/bin/python scripts/choose_hybrid.py --out "$out/hybrid-tried.json"
.venv/bin/python scripts/sequence_figures.py --model sasrec --model sasrec-bce --out "$out/sequence-tried-ml.json"
.venv/bin/python scripts/sequence_figures.py --dataset beauty --limit-users 6000 --model sasrec --model sasrec-text --model hstu --model hstu-text --out "$out/sequence-tried-beauty.json"
run tune-als tune als --dataset ml-latest-small --against spark --fresh
run cold-item evaluate --protocol cold-item --dataset ml-latest-small
run cold-item-credits evaluate --protocol cold-item --dataset ml-latest-small --text movie-text,redial -m knowledge -m content -m balanced
run cold-user evaluate --protocol cold-user --dataset ml-latest-small
run onboarding evaluate --protocol onboarding --dataset ml-latest-small --model start
run context evaluate --protocol context --dataset ml-latest-small
run context-films evaluate --protocol context --dataset films
.venv/bin/python scripts/choose_talk.py --out "$out/conversation-tried.json"
run conversation evaluate --protocol conversation --dataset ml-latest-small --text movie-text -m talk
run conversation-learned evaluate --protocol conversation --dataset ml-latest-small --text movie-text -m dialogues
run understanding-first evaluate --protocol understanding --messages tests/chat/messages/first.jsonl
run understanding evaluate --protocol understanding --messages tests/chat/messages/second.jsonl  # unseen at its first run only
run simulate simulate -n 300 --dataset films
run simulate-goodbooks simulate -n 60 --dataset goodbooks
run beyond-accuracy evaluate --protocol beyond-accuracy --dataset ml-latest-small
run global-time evaluate --protocol global-time --dataset ml-latest-small
run deletion benchmark deletion --dataset ml-latest-small
run generation evaluate --protocol generation --dataset ml-latest-small -m fast -m implicit-als -m ease-likes -m item-knn
run chaos benchmark chaos
run injection benchmark injection
.venv/bin/tastemate benchmark injection --held --json > "$out/injection-held.json" || true  # some get through: said in the table
.venv/bin/tastemate benchmark conversation --json > "$out/conversation-faults.new" || true  # what gets through is said in the table
mv "$out/conversation-faults.new" "$out/conversation-faults.json"
run position benchmark position
run tokens benchmark tokens --dataset ml-latest-small
run worked-example benchmark worked-example --dataset ml-latest-small --user 12
run audit audit --dataset films -m fast -m popular
run speed benchmark speed --dataset ml-latest-small
for of in "films 600" "ml-latest-small 610"; do
  read -r data users <<< "$of"
  short=${data%-latest-small}
  run "fair-$short" audit --dataset "$data" --fair --users "$users"
  run "fair-$short-popularity" audit --dataset "$data" --fair --attribute popularity --users "$users"
  run "loop-$short" evaluate --dataset "$data" --protocol beyond-accuracy -m fast -m popular
done
run fair-films-country audit --dataset films --fair --attribute country --users 600
run fair-ml-year audit --dataset ml-latest-small --fair --attribute year --users 610
.venv/bin/python scripts/live_figures.py --users 300
for name in trials offpolicy explore clicks; do run "$name" benchmark "$name"; done
run http benchmark http --dataset films --workers 2 --seconds 10  # of a machine that does nothing else
run http-ml benchmark http --dataset ml-latest-small --workers 2 --seconds 10
run durability benchmark durability
run ratings tune ratings --dataset ml-latest-small --final
run ratings-text tune ratings --dataset ml-latest-small --text movie-text --final
run ratings-shuffled tune ratings --dataset ml-latest-small --shuffle-labels
.venv/bin/python scripts/api_fuzz.py --examples 200 --seed 20261121 --out "$out/api.json"
.venv/bin/python scripts/figures.py
