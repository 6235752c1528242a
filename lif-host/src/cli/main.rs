use lif_host::{data::*, train::*, *};
fn main() {
    let text = std::fs::read_to_string("examples/digits.toml").unwrap();
    let args: Vec<String> = std::env::args().collect();
    let mut c = Config::parse(&text).unwrap();
    c.train.learning_rate = args[1].parse().unwrap();
    c.train.epochs = args[2].parse().unwrap();
    c.train.batch = args[3].parse().unwrap();
    if args[4] == "cos" {
        c.train.schedule = Schedule::Cosine;
    }
    let val = args[5] == "val";
    let s = read_csv(
        std::fs::File::open("examples/data/digits.csv").unwrap(),
        Columns {
            values: 64,
            label: Label::Required(10),
        },
    )
    .unwrap();
    let split = stratified(&s.labels, 5);
    let (mut tr, mut te) = (s.select(&split.train), s.select(&split.test));
    if val {
        let sp = stratified(&tr.labels, 5);
        te = tr.select(&sp.test);
        tr = tr.select(&sp.train);
    }
    let (mut m, mut mq) = (0.0, 0.0);
    let n = args[6].parse().unwrap();
    for seed in 0..n {
        let t = std::time::Instant::now();
        let mut net = c.net(tr.input_step()).unwrap();
        net.init(seed);
        let net = fit(net, &tr, &c.train, seed, |_, _| (), |_| ()).unwrap();
        let a = accuracy(&net, &te).unwrap();
        let e = export::export_i16(&net).unwrap();
        let mut h = infer::Host::new(&e.bytes).unwrap();
        let ins: Vec<_> = (0..te.len())
            .map(|i| infer::Input::from_raw(&h.model(), te.sample(i)))
            .collect();
        let ans = h.run(&ins, 16).unwrap();
        let q = ans
            .iter()
            .enumerate()
            .filter(|(i, a)| a.class() == te.labels[*i] as usize)
            .count() as f64
            / te.len() as f64;
        m += a;
        mq += q;
        println!(
            "{seed} {a:.4} {q:.4} {:?} ram {}",
            t.elapsed(),
            h.model().ram_bytes()
        );
        if seed == 0 {
            for l in e.layers {
                println!(
                    "shift {} thr {} cert {:?} dz {}",
                    l.shift, l.v_threshold, l.certificate, l.dead_zone
                );
            }
        }
    }
    println!(
        "{:?} mean {:.4} {:.4}",
        &args[1..],
        m / n as f64,
        mq / n as f64
    );
}
