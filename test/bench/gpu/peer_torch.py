"""The book's classifier in PyTorch on one GPU: what a user could run instead. Prints a JSON line for each program.

book          as the book trains: the batch padded to 128, float32, Adam, the loss read at every step
varlen        at its best: no padding (torch.nn.attention.varlen), last layer on the first token, bfloat16 autocast, fused
              AdamW, one CUDA graph a step
varlen_compiled  the same through torch.compile
bucket_compiled  length-sorted micro-batches padded to their own longest, scaled_dot_product_attention, compiled, one graph

Batches of 512 pairs with SNLI's lengths take turns: made up here, or read with --batches from a file that other programs
train on too (batchFile.ts). pairs_per_s: median of rounds of steps, warm, without reads in between. With --on-demand one
program trains whenever a line "round SECONDS" comes in, and answers as answers.ts has it, so that it takes turns with
others."""
import argparse, json, math, sys, time, traceback
import torch, torch.nn as nn, torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("programs", nargs="+")
for name, value in [("layers", 2), ("hidden", 256), ("ffn", 512), ("heads", 4), ("vocab", 60005), ("pairs", 512), ("steps", 100), ("rounds", 5)]:
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--gelu", action="store_true")
parser.add_argument("--embedding-norm", action="store_true")
parser.add_argument("--batches")
parser.add_argument("--on-demand", action="store_true")
o = parser.parse_args()
GIVEN = json.load(open(o.batches))["batches"] if o.batches else None
H, N, B, D = o.hidden, o.heads, len(GIVEN[0]["lengths"]) if GIVEN else o.pairs, o.hidden // o.heads
BATCHES, LONGEST, MICRO = len(GIVEN) if GIVEN else 8, 96, 4
g = torch.Generator().manual_seed(0)


def lengths():
    part = lambda mean, spread, low, high: torch.clamp(torch.round(mean + spread * torch.randn(B, generator=g)), low, high)
    return (part(14.1, 6.0, 3, 60) + part(8.3, 3.2, 2, 30) + 3).long()


def made_up():
    """Tokens, segments, lengths and labels of a batch; words as frequent as Zipf has them."""
    lens = lengths()
    rows = int(lens.sum())
    tokens = (o.vocab ** torch.rand(rows, generator=g)).long().clamp(1, o.vocab - 1)
    return tokens, torch.randint(0, 2, (rows,), generator=g), lens, torch.randint(0, 3, (B,), generator=g)


def from_file(batch):
    lens, starts = torch.tensor(batch["lengths"]), batch["segmentStarts"]
    segments = [torch.arange(int(length)) >= start for length, start in zip(lens, starts)]
    return torch.tensor(batch["ids"]), torch.cat(segments).long(), lens, torch.tensor(batch["labels"])


FLAT = [from_file(batch) for batch in GIVEN] if GIVEN else [made_up() for _ in range(BATCHES)]
LENGTHS = [lens for _, _, lens, _ in FLAT]
LABELS = [labels.cuda() for *_, labels in FLAT]


def padded_to(flat, top, chosen=None):
    """Tokens and segments of the chosen pairs, [pairs, top] each; the rest of a row is 0."""
    tokens, segments, lens, _ = flat
    starts = lens.cumsum(0) - lens
    chosen = torch.arange(B) if chosen is None else chosen
    ids, segs = torch.zeros(len(chosen), top).long(), torch.zeros(len(chosen), top).long()
    for row, pair in enumerate(chosen.tolist()):
        begin, length = int(starts[pair]), int(lens[pair])
        ids[row, :length], segs[row, :length] = tokens[begin : begin + length], segments[begin : begin + length]
    return ids.cuda(), segs.cuda()
act = lambda x: F.gelu(x) if o.gelu else F.relu(x)
drop = lambda x: F.dropout(x, 0.1, True)


class Block(nn.Module):
    def __init__(s):
        super().__init__()
        s.qkv, s.o = nn.Linear(H, 3 * H), nn.Linear(H, H)
        s.n1, s.n2, s.f1, s.f2 = nn.LayerNorm(H), nn.LayerNorm(H), nn.Linear(H, o.ffn), nn.Linear(o.ffn, H)

    def rest(s, x, c):
        z = s.n1(x + drop(s.o(c)))
        return s.n2(z + drop(s.f2(act(s.f1(z)))))

    def projected(s, x, first):
        """Queries of what the layer computes, keys and values of all rows."""
        if first is None:
            return s.qkv(x).split(H, -1)
        q = F.linear(first, s.qkv.weight[:H], s.qkv.bias[:H])
        return q, *F.linear(x, s.qkv.weight[H:], s.qkv.bias[H:]).split(H, -1)


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.tok, s.seg, s.pos = nn.Embedding(o.vocab, H), nn.Embedding(2, H), nn.Embedding(512, H)
        s.blocks, s.h, s.out = nn.ModuleList([Block() for _ in range(o.layers)]), nn.Linear(H, H), nn.Linear(H, 3)
        s.norm = nn.LayerNorm(H) if o.embedding_norm else None

    def embedded(s, x):
        return x if s.norm is None else drop(s.norm(x))

    def head(s, x):
        return s.out(torch.tanh(s.h(x)))

    def padded(s, ids, seg, lens, on_first):
        b, t = ids.shape
        x = s.embedded(s.tok(ids) + s.seg(seg) + s.pos.weight[:t])
        mask = (torch.arange(t, device="cuda")[None] < lens[:, None])[:, None, None]
        split = lambda z: z.view(b, -1, N, D).transpose(1, 2)
        for i, block in enumerate(s.blocks):
            first = x[:, :1] if on_first and i == o.layers - 1 else None
            q, k, v = map(split, block.projected(x, first))
            if on_first:
                c = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=0.1)
            else:
                w = torch.softmax((q @ k.transpose(-1, -2) / math.sqrt(D)).masked_fill(~mask, -1e6), -1)
                c = drop(w) @ v
            x = block.rest(x if first is None else first, c.transpose(1, 2).reshape(b, -1, H))
        return s.head(x[:, 0])

    def packed(s, ids, seg, pos, cu, firsts):
        from torch.nn.attention.varlen import varlen_attn

        x = s.embedded(s.tok(ids) + s.seg(seg) + s.pos(pos))
        one = torch.arange(cu.numel(), device="cuda", dtype=torch.int32)
        for i, block in enumerate(s.blocks):
            last = i == o.layers - 1
            first = x[firsts] if last else None
            q, k, v = (z.reshape(-1, N, D) for z in block.projected(x, first))
            c = varlen_attn(q, k, v, one if last else cu, cu, 1 if last else LONGEST, LONGEST)
            x = block.rest(first if last else x, c.reshape(-1, H))
        return s.head(x[:B])


def time_steps(run):
    """Milliseconds of a step: median, best and worst of the rounds."""
    for i in range(2 * BATCHES):
        run(i)
    taken = []
    for _ in range(o.rounds):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for i in range(o.steps):
            run(i)
        torch.cuda.synchronize()
        taken.append((time.perf_counter() - begin) * 1e3 / o.steps)
    return sorted(taken)


def book():
    net = Net().cuda()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    made = [(*padded_to(flat, 128), lens.cuda()) for flat, lens in zip(FLAT, LENGTHS)]

    def run(i):
        ids, seg, lens = made[i % BATCHES]
        optimizer.zero_grad()
        losses = F.cross_entropy(net.padded(ids, seg, lens, False), LABELS[i % BATCHES], reduction="none")
        losses.sum().backward()
        optimizer.step()
        return losses.sum().item()

    return run


def graphed(forward, inputs):
    """One CUDA graph for the whole step; batches are copied into its inputs."""
    net = Net().cuda()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, weight_decay=0.0, fused=True, capturable=True)
    static = [tensor.clone() for tensor in inputs[0]]

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
            loss = forward(net, static)
        loss.backward()
        optimizer.step()
        return loss.detach()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        loss = step()

    def run(i):
        for to, tensor in zip(static, inputs[i % BATCHES]):
            to.copy_(tensor, non_blocking=True)
        graph.replay()
        return loss

    return run


def varlen(compiled):
    sums = [int(lens.sum()) for lens in LENGTHS]
    most = (max(sums) + 63) // 64 * 64
    # A graph has one number of rows and of pairs: pairs that nobody looks at make up what a batch lacks.
    dummies_each = -(-(most - min(sums)) // LONGEST)
    inputs = []
    for (tokens, segments, lens, _), labels in zip(FLAT, LABELS):
        rows = int(lens.sum())
        left, dummies = most - rows, []
        for _ in range(dummies_each):
            dummies.append(min(left, LONGEST))
            left -= dummies[-1]
        lens = torch.cat([lens, torch.tensor(dummies)])
        cu = torch.cat([torch.zeros(1, dtype=torch.long), lens.cumsum(0)])
        pos = torch.cat([torch.arange(int(n)) for n in lens])
        filled = lambda given: F.pad(given, (0, most - rows))
        batch = (filled(tokens), filled(segments), pos, cu.int(), cu[:-1].clamp(max=most - 1))
        inputs.append([tensor.cuda() for tensor in batch] + [labels])

    def forward(net, static):
        packed = lambda *tensors: F.cross_entropy(net.packed(*tensors[:5]).float(), tensors[5], reduction="sum")
        if compiled and not hasattr(net, "ready"):
            net.ready = torch.compile(packed)
        return (net.ready if compiled else packed)(*static)

    return graphed(forward, inputs)


def bucket_compiled():
    inputs, tops = [], [0] * MICRO
    orders = [torch.argsort(lens) for lens in LENGTHS]
    for lens, order in zip(LENGTHS, orders):
        tops = [max(top, int(lens[part].max())) for top, part in zip(tops, order.chunk(MICRO))]
    tops = [(top + 7) // 8 * 8 for top in tops]
    for flat, lens, order, labels in zip(FLAT, LENGTHS, orders, LABELS):
        batch = []
        for top, part in zip(tops, order.chunk(MICRO)):
            batch += [*padded_to(flat, top, part), lens[part].cuda(), labels[part.cuda()]]
        inputs.append(batch)

    def forward(net, static):
        def all_parts(*tensors):
            total = 0.0
            for part in range(MICRO):
                ids, seg, lens, labels = tensors[4 * part : 4 * part + 4]
                total = total + F.cross_entropy(net.padded(ids, seg, lens, True).float(), labels, reduction="sum")
            return total

        if not hasattr(net, "ready"):
            net.ready = torch.compile(all_parts)
        return net.ready(*static)

    return graphed(forward, inputs)


def say(**answer):
    print(json.dumps(answer), flush=True)


def seconds_of(run, steps):
    """-> seconds and the last step's loss"""
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for i in range(steps):
        loss = run(i)
    torch.cuda.synchronize()
    return time.perf_counter() - begin, loss


def serve(make):
    """Answers as answers.ts has it, until the input ends."""
    run = make()
    seconds_of(run, 2 * BATCHES)
    step = seconds_of(run, BATCHES)[0] / BATCHES
    say(kind="ready", device=f"cuda:0 {torch.cuda.get_device_name()}, torch {torch.__version__}", stepMs=step * 1e3)
    for line in sys.stdin:
        steps = max(2, round(float(line.split()[1]) / step))
        seconds, loss = seconds_of(run, steps)
        peak = torch.cuda.max_memory_reserved() / 2**20
        host = {"batchingMs": None, "recordingMs": None}
        say(kind="round", steps=steps, pairs=B, ms=seconds * 1e3, peakMegabytes=peak, loss=float(loss) / B, **host)


PROGRAMS = {"book": book, "varlen": lambda: varlen(False), "varlen_compiled": lambda: varlen(True), "bucket_compiled": bucket_compiled}
if o.on_demand:
    try:
        serve(PROGRAMS[o.programs[0]])
    except Exception as error:
        traceback.print_exc()
        say(kind="failed", reason=f"{type(error).__name__}: {error}"[:300])
    sys.exit()
for name in o.programs:
    begin = time.time()
    try:
        taken = time_steps(PROGRAMS[name]())
        middle = taken[len(taken) // 2]
        line = {"program": f"torch {torch.__version__} {name}", "gpu": torch.cuda.get_device_name(), "step_ms": round(middle, 3), "best_ms": round(taken[0], 3), "worst_ms": round(taken[-1], 3), "pairs_per_s": round(B / middle * 1e3), "mean_len": round(torch.cat(LENGTHS).float().mean().item(), 1), "seconds_in_all": round(time.time() - begin)}
    except Exception as error:
        traceback.print_exc()
        line = {"program": name, "failed": str(error)[:300]}
    print(json.dumps(line), flush=True)
