export default {
  async fetch(request, env) {
    const answer = await env.AI.autorag("my-autorag").aiSearch({
      query: "How do I train a llama to deliver coffee?",
      model: "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
      reranking: {
        enabled: true,
        model: "@cf/baai/bge-reranker-base"
      }
    });
    return Response.json(answer);
  }
};
