-- Posts the lines of a file in turn, and tells all latencies as a histogram.

local requests, turn = {}, 0

function init(args)
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local e = summary.errors
  local failures = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("\nseconds %.6f\nfailures %d\nnot200 %d\n", summary.duration / 1e6, failures, e.status))
  for i = 1, #latency do
    local microseconds, count = latency(i)
    io.write(string.format("latency %d %d\n", microseconds, count))
  end
end
