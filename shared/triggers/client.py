"""The client API's boundary: hands a request of the Functions host to the app that FastAPI made."""

import azure.functions as func

from shared.domain.errors import TransientError


async def serve(
    app: func.AsgiMiddleware, request: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    """The app's answer. What the bridge cannot read (a path that is no UTF-8, a port of 5,000 digits) is a 400.

    The app answers its own errors, so a ValueError is the bridge's. An answer that storage broke off is a 503: the
    bridge sends nothing before it has the whole.
    """
    try:
        response: func.HttpResponse = await app.handle_async(request, context)
    except ValueError:
        return func.HttpResponse(status_code=400)
    except RuntimeError as error:
        # Starlette's word for a known error behind the first byte of an answer.
        if not isinstance(error.__cause__, TransientError):
            raise
        return func.HttpResponse(status_code=503, headers={"Retry-After": "1"})
    return response
